namespace KubeBpfBox.Core.Records;

/// <summary>Which transactions count as errors.</summary>
/// <remarks>Source: OpenTelemetry's HTTP conventions, "Status" of spans and <c>error.type</c> of metrics.</remarks>
public static class TransactionOutcome
{
    /// <summary>
    /// A server's 5xx, a client's 4xx and 5xx (all of both when the role is not known: 5xx only), and requests that got no usable answer.
    /// What was not captured is no error: nobody knows how it ended.
    /// </summary>
    public static bool IsError(in Transaction transaction)
    {
        if (transaction.Error is not null)
        {
            return transaction.Error != TransactionError.NotCaptured;
        }
        bool isClient = transaction.Connection.IsLocalSocket && transaction.ClientSide == Streams.Side.A;
        return transaction.Status >= (isClient ? 400 : 500);
    }
}
