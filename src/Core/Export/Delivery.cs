namespace KubeBpfBox.Core.Export;

/// <summary>A batch on its way to the server: whole, or what is left of it in pieces once it had to be divided.</summary>
/// <remarks>Threads: belongs to the queue while it waits there, else to the exporter's thread.</remarks>
internal sealed class Delivery
{
    private readonly Stack<ExportBatch> _pieces = new(1);

    public Delivery(ExportBatch batch, BatchBuffer? buffer)
    {
        Kind = batch.Kind;
        Buffer = buffer;
        _pieces.Push(batch);
        Items = batch.Items;
        Bytes = batch.Payload.Length;
    }

    public ExportKind Kind { get; }

    /// <summary>Items that are not settled yet.</summary>
    public int Items { get; private set; }

    /// <summary>Bytes of the whole batch: a piece may alias it, so they are held until the last one is settled.</summary>
    public long Bytes { get; }

    /// <summary>What <see cref="Current"/> lies in, when it is to be used again; null once somebody else may still read it.</summary>
    public BatchBuffer? Buffer { get; set; }

    /// <summary>The record of it on disk; null when it is in memory only.</summary>
    public SpoolTicket? Ticket { get; set; }

    /// <summary>It comes from the spool, not from memory.</summary>
    public bool IsReplay { get; set; }

    /// <summary>How often the current piece was tried in vain.</summary>
    public int Failures { get; set; }

    /// <summary>The server refused a piece as too large.</summary>
    public bool IsTooLarge { get; set; }

    /// <summary>How often a piece was divided.</summary>
    public int Splits { get; set; }

    /// <summary>The next one that waits in the same queue.</summary>
    public Delivery? Next { get; set; }

    /// <summary>Nothing is left.</summary>
    public bool IsDone => _pieces.Count == 0;

    /// <summary>What is to be sent now.</summary>
    public ExportBatch Current => _pieces.Peek();

    /// <summary>The current piece came to an end, one way or another.</summary>
    /// <returns>Its items.</returns>
    public int Settle()
    {
        int items = _pieces.Pop().Items;
        Items -= items;
        Failures = 0;
        return items;
    }

    /// <summary>Puts two halves in the place of the current piece.</summary>
    public void Divide(ExportBatch first, ExportBatch second)
    {
        _ = _pieces.Pop();
        _pieces.Push(second);
        _pieces.Push(first);
        Splits++;
    }
}
