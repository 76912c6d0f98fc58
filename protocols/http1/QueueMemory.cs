namespace KubeBpfBox.Protocols.Http1;

/// <summary>Memory of the queues of one protocol: small pieces to lend, and a budget for those that need more.</summary>
/// <remarks>One thread, that of the engine. Few queues hold a request at the same moment, so few pieces serve many connections.</remarks>
internal sealed class QueueMemory(long limitBytes)
{
    private const int MaxFree = 128;
    private const int FirstRequests = 2;
    private const int FirstTextBytes = 512;

    private readonly Stack<(PendingRequest[] Ring, byte[] Text)> _free = new();

    /// <summary>Bytes lent beyond <see cref="RequestQueue.OrdinaryTextBytes"/> a queue.</summary>
    public long TakenBytes { get; private set; }

    /// <summary>Lends what a queue starts with.</summary>
    public void Rent(out PendingRequest[] ring, out byte[] text)
    {
        if (_free.TryPop(out (PendingRequest[] Ring, byte[] Text) pieces))
        {
            (ring, text) = pieces;
            return;
        }
        ring = new PendingRequest[FirstRequests];
        text = GC.AllocateUninitializedArray<byte>(FirstTextBytes);
    }

    /// <summary>Takes back what a queue has; pieces of ordinary size are lent again.</summary>
    public void Return(PendingRequest[] ring, byte[] text)
    {
        Release(text.Length);
        if (_free.Count < MaxFree && text.Length <= RequestQueue.OrdinaryTextBytes)
        {
            _free.Push((ring, text));
        }
    }

    /// <summary>Takes a large piece of text from the budget, unless that would go over the limit.</summary>
    public bool TryTake(int bytes)
    {
        if (TakenBytes + bytes > limitBytes)
        {
            return false;
        }
        TakenBytes += bytes;
        return true;
    }

    /// <summary>Gives a piece of text back to the budget, if it was taken from it.</summary>
    public void Release(int bytes)
    {
        if (bytes > RequestQueue.OrdinaryTextBytes)
        {
            TakenBytes -= bytes;
        }
    }
}
