using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Plugins.OomKill;

/// <summary>Twins of the structs of oomkill.h; the object's BTF is compared with them before anything is attached.</summary>
internal static class OomKillLayout
{
    /// <summary>OOMKILL_LEVELS.</summary>
    public const int Levels = 5;

    /// <summary>OOMKILL_NAME_BYTES.</summary>
    public const int NameBytes = 128;

    /// <summary>Compares every twin with its C struct.</summary>
    /// <exception cref="BpfException">They have drifted apart; the message names each member that differs.</exception>
    public static void Check(BpfObject obj)
    {
        Btf btf = Btf.Of(obj);
        OomKillCgroup cgroup = default;
        btf.Twin("oomkill_cgroup", ref cgroup).Array("names", ref Unsafe.As<OomKillCgroup, byte>(ref cgroup), Levels * NameBytes).Check();
        OomKillProcess process = default;
        btf.Twin("oomkill_process", ref process)
            .Field("cgroup_id", ref process.CgroupId)
            .Field("tgid", ref process.Tgid)
            .Field("comm", ref process.Comm)
            .Field("cgroup", ref process.Cgroup)
            .Check();
        CheckRecord(btf);
        OomKillCounters counters = default;
        btf.Twin("oomkill_counters", ref counters)
            .Field("seen", ref counters.Seen)
            .Field("submitted", ref counters.Submitted)
            .Field("ring_full", ref counters.RingFull)
            .Field("already_exiting", ref counters.AlreadyExiting)
            .Check();
    }

    private static void CheckRecord(Btf btf)
    {
        OomKillRecord record = default;
        btf.Twin("oomkill_record", ref record)
            .Field("ktime_ns", ref record.KtimeNs)
            .Field("start_time_ns", ref record.StartTimeNs)
            .Field("victim", ref record.Victim)
            .Field("trigger", ref record.Trigger)
            .Field("limit_cgroup", ref record.LimitCgroup)
            .Field("limit_pages", ref record.LimitPages)
            .Field("usage_pages", ref record.UsagePages)
            .Field("anon_pages", ref record.AnonPages)
            .Field("file_pages", ref record.FilePages)
            .Field("shmem_pages", ref record.ShmemPages)
            .Field("swap_pages", ref record.SwapPages)
            .Field("page_table_bytes", ref record.PageTableBytes)
            .Field("uid", ref record.Uid)
            .Field("container_tgid", ref record.ContainerTgid)
            .Field("oom_score_adj", ref record.OomScoreAdj)
            .Field("scope", ref record.Scope)
            .Field("message", ref record.Message)
            .Check();
    }
}

/// <summary>A process's name (TASK_COMM_LEN), padded with NUL.</summary>
[InlineArray(16)]
internal struct OomKillComm
{
    private byte _first;
}

/// <summary>What the kernel's log says, padded with NUL.</summary>
[InlineArray(64)]
internal struct OomKillMessage
{
    private byte _first;
}

/// <summary>struct oomkill_cgroup: names, innermost first, each padded with NUL.</summary>
[InlineArray(OomKillLayout.Levels * OomKillLayout.NameBytes)]
internal struct OomKillCgroup
{
    private byte _first;
}

/// <summary>struct oomkill_process.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OomKillProcess
{
    public ulong CgroupId;
    public uint Tgid;
    public OomKillComm Comm;
    public uint Reserved;
    public OomKillCgroup Cgroup;
}

/// <summary>struct oomkill_record.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OomKillRecord
{
    public ulong KtimeNs;
    public ulong StartTimeNs;
    public OomKillProcess Victim;
    public OomKillProcess Trigger;
    public OomKillCgroup LimitCgroup;
    public long LimitPages;
    public long UsagePages;
    public long AnonPages;
    public long FilePages;
    public long ShmemPages;
    public long SwapPages;
    public long PageTableBytes;
    public long Uid;
    public uint ContainerTgid;
    public int OomScoreAdj;
    public uint Scope;
    public uint Reserved;
    public OomKillMessage Message;
}

/// <summary>struct oomkill_counters.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OomKillCounters
{
    public ulong Seen;
    public ulong Submitted;
    public ulong RingFull;
    public ulong AlreadyExiting;
}
