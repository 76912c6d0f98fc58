using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Capture;

/// <summary>Runs a capture file through the same streams and protocols as live traffic, on the capture's own clock.</summary>
public sealed class CaptureReplay
{
    private const long TickNs = 1_000_000_000;
    private readonly PacketDecoder _decoder = new();
    private readonly FlowTable _flows;
    private readonly LedgerStage _stage;
    private readonly Counter[] _dropped = new Counter[Enum.GetValues<DecodeStatus>().Length];

    /// <summary>Makes a replay; one for each file, so that connections of different files do not meet.</summary>
    /// <param name="ledger">Gets the stages "capture" (packets), "flows" and "stream".</param>
    public CaptureReplay(StreamOptions options, IReadOnlyList<IProtocol> protocols, ITransactionObserver observer, Ledger ledger)
    {
        _stage = ledger.AddStage("capture", "packets");
        foreach ((DecodeStatus status, string reason) in DecodeStatusNames.Reasons)
        {
            _dropped[(int)status] = _stage.DropReason(reason);
        }
        _flows = new FlowTable(options, protocols, observer, ledger);
    }

    /// <summary>The engine, for its counters.</summary>
    public StreamEngine Engine => _flows.Engine;

    /// <summary>Reads all whole packets of the capture and ends every connection.</summary>
    public void Run(CaptureReader reader)
    {
        long nowNs = 0, nextTickNs = 0;
        while (reader.TryRead(out CapturedPacket packet))
        {
            _stage.In.Add(1);
            DecodeStatus status = _decoder.Decode(in packet, out TcpSegmentView view);
            nowNs = Math.Max(nowNs, packet.TimestampNs);
            if (nowNs >= nextTickNs)
            {
                nextTickNs = nowNs + TickNs;
                Engine.Tick(nowNs);
            }
            if (status != DecodeStatus.Tcp)
            {
                _dropped[(int)status].Add(1);
                continue;
            }
            _stage.Out.Add(1);
            _flows.OnSegment(view.Source, view.Destination, view.Segment);
        }
        Engine.CloseAll(EndReason.CaptureEnded, nowNs);
    }
}
