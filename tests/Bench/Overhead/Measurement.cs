using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Overhead;

/// <summary>One run of wrk against nginx, without or with the agent.</summary>
/// <param name="Wrk">What wrk says.</param>
/// <param name="ServedByNginx">What nginx counted meanwhile.</param>
/// <param name="Machine">CPU time of the whole machine meanwhile.</param>
/// <param name="Agent">What the agent used and saw; null without it.</param>
internal sealed record Measurement(WrkRun Wrk, long ServedByNginx, MachineTime Machine, AgentUse? Agent)
{
    /// <summary>CPU time of the whole machine for a request that nginx served.</summary>
    public double MachineUsPerRequest => Machine.BusyTime.TotalMicroseconds / ServedByNginx;

    public double StealPercent => 100.0 * Machine.Steal / Math.Max(1, Machine.Total);
}

/// <summary>The agent's side of a run.</summary>
internal sealed record AgentUse(double CpuUs, long SeenByServer, long SeenByClient, long RssKib, long PeakRssKib, long AnonKib, long FileKib, long ShmemKib, LedgerReport Ledger);
