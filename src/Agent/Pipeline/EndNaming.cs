using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>
/// Reports a transaction that was seen between its ends, on an interface, as it would have been seen at each of them: once for each end that
/// is a workload of this node, with that end's role; once without a role when neither is known.
/// </summary>
/// <remarks>
/// One thread, that of the flow table. An end that address translation gave two addresses (a Service's and a pod's) is the Service to its client,
/// which connected to that, and the pod where its own part is reported.
/// </remarks>
internal sealed class EndNaming(IWorkloadResolver resolver, string nodeName, ITransactionObserver observer) : ITransactionObserver
{
    private const string ServiceKind = "Service";

    /// <summary>The table that the transactions come from. Set before the first one.</summary>
    public FlowTable? Flows { get; set; }

    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction)
    {
        Connection connection = transaction.Connection;
        Workload a = resolver.ResolveAddress(connection.A, 0), b = resolver.ResolveAddress(connection.B, 0);
        bool isSeen = Flows is not null && Flows.TryGetTranslated(connection, out Side translated, out Endpoint end)
            ? ReportTranslated(in transaction, translated, translated == Side.A ? b : a, translated == Side.A ? a : b, resolver.ResolveAddress(end, 0))
            : Report(in transaction, Side.A, a, b) | Report(in transaction, Side.B, b, a);
        if (!isSeen)
        {
            observer.OnTransaction(in transaction);
        }
        Tell(connection, null, Workload.Unknown, Workload.Unknown);
    }

    /// <param name="transaction">The transaction.</param>
    /// <param name="translated">The side with two addresses.</param>
    /// <param name="single">Who is at the other side.</param>
    /// <param name="shown">Who is behind the address that the connection shows.</param>
    /// <param name="hidden">Who is behind the other one.</param>
    private bool ReportTranslated(in Transaction transaction, Side translated, Workload single, Workload shown, Workload hidden)
    {
        bool isHiddenService = hidden.Kind == ServiceKind, isHiddenHere = IsOfThisNode(hidden);
        return Report(in transaction, translated.Other(), single, isHiddenService ? hidden : shown, isHiddenService)
            | Report(in transaction, translated, isHiddenHere ? hidden : shown, single, isHiddenHere);
    }

    private bool Report(in Transaction transaction, Side side, Workload workload, Workload peer, bool exchanges = false)
    {
        if (!IsOfThisNode(workload))
        {
            return false;
        }
        Tell(transaction.Connection, side, workload, peer);
        if (exchanges)
        {
            Flows!.ExchangeTranslated(transaction.Connection);
        }
        observer.OnTransaction(in transaction);
        if (exchanges)
        {
            Flows!.ExchangeTranslated(transaction.Connection);
        }
        return true;
    }

    private static void Tell(Connection connection, Side? side, Workload workload, Workload peer) =>
        (connection.ObservedAt, connection.Workload, connection.Peer) = (side, workload, peer);

    private bool IsOfThisNode(Workload workload) => workload.Node == nodeName && workload.Kind != ServiceKind;
}
