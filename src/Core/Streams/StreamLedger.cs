using KubeBpfBox.Core.Accounting;

namespace KubeBpfBox.Core.Streams;

/// <summary>The stream engine's page of the ledger: payload bytes.</summary>
internal sealed class StreamLedger
{
    public StreamLedger(Ledger ledger, Func<long> held)
    {
        Stage = ledger.AddStage("stream", "bytes");
        Stage.Held = held;
        Duplicate = Stage.DropReason("duplicate");
        NotWanted = Stage.DropReason("not_wanted");
        NotRecognised = Stage.DropReason("not_recognised");
        NotCaptured = Stage.DropReason("not_captured");
        ConnectionOver = Stage.DropReason("connection_over");
    }

    public LedgerStage Stage { get; }

    /// <summary>Retransmitted.</summary>
    public Counter Duplicate { get; }

    /// <summary>Inside a body, or behind an upgrade.</summary>
    public Counter NotWanted { get; }

    /// <summary>No protocol claims them.</summary>
    public Counter NotRecognised { get; }

    /// <summary>On the wire but cut off by the capture length.</summary>
    public Counter NotCaptured { get; }

    /// <summary>Still held when their connection ended.</summary>
    public Counter ConnectionOver { get; }

    /// <summary>Outside the identity: bytes that never came in, and those that did but were given up because nothing more of their message could be kept.</summary>
    public Counter LostBytes { get; } = new();

    public Counter Gaps { get; } = new();

    public Counter Evicted { get; } = new();
}
