using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Brings the names of both ends up to date before a transaction goes to the observers.</summary>
/// <remarks>On the parse thread. A connection whose names hold costs two comparisons.</remarks>
internal sealed class ConnectionNamer(WorkloadResolver resolver, ITransactionObserver next) : ITransactionObserver
{
    /// <summary>
    /// How many transactions ask for a peer again whose socket was not found, although nothing was learnt: it shows up within the first exchange,
    /// or never.
    /// </summary>
    private const int PeerTries = 3;

    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction)
    {
        Connection connection = transaction.Connection;
        if (connection.NamedGeneration != resolver.Generation || (connection.PeerTries < PeerTries && connection.Peer.Source != WorkloadSource.Socket))
        {
            Name(connection);
        }
        next.OnTransaction(in transaction);
    }

    private void Name(Connection connection)
    {
        if (connection.NamedGeneration != resolver.Generation)
        {
            connection.NamedGeneration = resolver.Generation;
            connection.PeerTries = 0;
        }
        connection.PeerTries++;
        connection.Workload = resolver.Refresh(connection.Workload);
        connection.Peer = resolver.ResolvePeer(connection);
    }
}
