using KubeBpfBox.Core.Accounting;

namespace KubeBpfBox.Core.Export;

/// <summary>Why items did not reach the server. Names are those of the ledger, see <see cref="ExportStages"/>.</summary>
internal enum DropReason
{
    /// <summary>No room in memory, and none on disk to move to.</summary>
    QueueFull,

    /// <summary>Over the spool's budget.</summary>
    SpoolFull,

    /// <summary>Waited on disk for too long.</summary>
    SpoolExpired,

    /// <summary>The disk failed: not written for want of it, or not readable any more.</summary>
    SpoolFailed,

    /// <summary>The server says that it is malformed.</summary>
    Malformed,

    /// <summary>The server says that even one item is too large.</summary>
    TooLarge,

    /// <summary>The agent stopped and there was no disk to keep it.</summary>
    Stopped,
}

/// <summary>The ledger of one exporter: a stage for each kind.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class ExportStages
{
    /// <summary>How many kinds there are.</summary>
    public const int Kinds = 3;

    private static readonly string[] s_suffixes = ["log", "events", "red"];
    private static readonly string[] s_reasons = ["queue_full", "spool_full", "spool_expired", "spool_failed", "malformed", "too_large", "stopped"];

    private readonly LedgerStage[] _stages = new LedgerStage[Kinds];
    private readonly Counter[][] _dropped = new Counter[Kinds][];
    private readonly Counter _recovered;

    public ExportStages(Ledger ledger, string id, string[] units, Func<ExportKind, long> held)
    {
        for (int i = 0; i < Kinds; i++)
        {
            ExportKind kind = (ExportKind)i;
            LedgerStage stage = ledger.AddStage($"{id}_{s_suffixes[i]}", units[i]);
            stage.Held = () => held(kind);
            _stages[i] = stage;
            _dropped[i] = Array.ConvertAll(s_reasons, stage.DropReason);
        }
        _recovered = ledger.AddNote($"{id}_recovered_items", "Items that an earlier process left in the spool; they count as in.");
    }

    /// <summary>The stage of a kind.</summary>
    public LedgerStage this[ExportKind kind] => _stages[(int)kind];

    /// <summary>Counts what was lost.</summary>
    public void Drop(ExportKind kind, DropReason reason, long items) => _dropped[(int)kind][(int)reason].AddShared(items);

    /// <summary>Counts what an earlier process left on disk.</summary>
    /// <param name="items">How many of a kind.</param>
    public void Recover(Func<ExportKind, long> items)
    {
        for (int i = 0; i < Kinds; i++)
        {
            long found = items((ExportKind)i);
            _stages[i].In.AddShared(found);
            _recovered.AddShared(found);
        }
    }
}
