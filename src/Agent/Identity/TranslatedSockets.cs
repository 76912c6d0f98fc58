using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Finds the other end of a local connection whose addresses were translated on the way: a Service's address, masquerading.</summary>
/// <remarks>
/// Both ends know the number of the opener's first byte, which the kernel chooses at random (RFC 6528) and no translation changes. Two openers with one
/// number, which happens once in four thousand million pairs, make it name nobody. Not thread-safe. Memory: one entry a connection.
/// </remarks>
internal sealed class TranslatedSockets
{
    private readonly Dictionary<uint, Pair> _pairs = [];

    public void Add(Connection connection)
    {
        if (connection.OpenerSequence == 0)
        {
            return;
        }
        _pairs.TryGetValue(connection.OpenerSequence, out Pair pair);
        ref Ends ends = ref connection.OpenedBy == Side.A ? ref pair.Opener : ref pair.Acceptor;
        ends = new Ends(ends.Count == 0 ? connection.Workload : null, ends.Count + 1);
        _pairs[connection.OpenerSequence] = pair;
    }

    public void Remove(Connection connection)
    {
        if (connection.OpenerSequence == 0 || !_pairs.TryGetValue(connection.OpenerSequence, out Pair pair))
        {
            return;
        }
        // The owner stays for the other end, whose last transaction may still be on its way.
        ref Ends ends = ref connection.OpenedBy == Side.A ? ref pair.Opener : ref pair.Acceptor;
        ends = ends with { Count = ends.Count - 1 };
        if (pair.Opener.Count <= 0 && pair.Acceptor.Count <= 0)
        {
            _pairs.Remove(connection.OpenerSequence);
        }
        else
        {
            _pairs[connection.OpenerSequence] = pair;
        }
    }

    /// <summary>Who has the other end's socket; null when it is not on this node, or not certain.</summary>
    public Workload? FindPeer(Connection connection) => connection.OpenerSequence == 0 || !_pairs.TryGetValue(connection.OpenerSequence, out Pair pair) ? null
        : connection.OpenedBy == Side.A ? pair.Acceptor.Owner : pair.Opener.Owner;

    private record struct Pair
    {
        public Ends Opener;
        public Ends Acceptor;
    }

    private readonly record struct Ends(Workload? Owner, int Count);
}
