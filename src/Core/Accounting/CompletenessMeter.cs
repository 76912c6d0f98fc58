using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Accounting;

/// <summary>How much of what happened was seen: whole transactions against those known to be missed or seen in part.</summary>
/// <remarks>
/// A lower bound: a packet that the kernel had to refuse counts as a transaction of its own, and again when it left one in pieces. Only what
/// was lost on the way to the agent counts as missed: a request that its client broke off is seen whole, and what was under way when the
/// agent joined a connection counts neither way.
/// </remarks>
public sealed class CompletenessMeter(Func<long> refusedPackets) : ITransactionObserver
{
    /// <summary>Transactions with nothing missing.</summary>
    public Counter Whole { get; } = new();

    /// <summary>Transactions of which request, response or bytes were lost on the way to the agent.</summary>
    public Counter InPart { get; } = new();

    /// <summary>From 0 to 1; 1 as long as nothing was seen at all.</summary>
    public double Ratio
    {
        get
        {
            long missed = InPart.Value + refusedPackets();
            long all = Whole.Value + missed;
            return all == 0 ? 1 : (double)Whole.Value / all;
        }
    }

    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction)
    {
        bool isWhole = transaction.Flags == TransactionFlags.None && !transaction.Method.IsEmpty && transaction.Error != TransactionError.NotCaptured;
        if (isWhole || (transaction.Connection.FromStart && !transaction.Connection.HasLost))
        {
            Whole.Add(1);
        }
        else if (transaction.Connection.HasLost)
        {
            InPart.Add(1);
        }
    }
}
