using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Who has the sockets of this node: the other end of a local connection is found here, exactly and at once.</summary>
/// <remarks>
/// A key is a socket's own address and port; loopback addresses count with their network namespace, others do not, since the other end lives in
/// another one. Where two owners claim one key (equal addresses in different namespaces) nobody is named. Not thread-safe.
/// Memory: one entry for each end of the connections followed.
/// </remarks>
internal sealed class LocalSockets
{
    private readonly Dictionary<Key, Entry> _entries = [];

    public void Add(Endpoint local, uint networkNamespace, Workload workload)
    {
        Key key = KeyOf(local, networkNamespace);
        if (!_entries.TryGetValue(key, out Entry entry))
        {
            _entries.Add(key, new Entry(workload, 1));
            return;
        }
        bool agree = entry.Owner is { } owner && (ReferenceEquals(owner, workload) || IsSameOwner(owner, workload));
        _entries[key] = new Entry(agree ? workload : null, entry.Connections + 1);
    }

    public void Remove(Endpoint local, uint networkNamespace)
    {
        Key key = KeyOf(local, networkNamespace);
        if (_entries.TryGetValue(key, out Entry entry))
        {
            if (entry.Connections > 1)
            {
                _entries[key] = entry with { Connections = entry.Connections - 1 };
            }
            else
            {
                _entries.Remove(key);
            }
        }
    }

    /// <summary>Null when nobody, or more than one, has that socket.</summary>
    public Workload? Find(Endpoint endpoint, uint networkNamespace) => _entries.TryGetValue(KeyOf(endpoint, networkNamespace), out Entry entry) ? entry.Owner : null;

    private static bool IsSameOwner(Workload one, Workload other) => one.Name == other.Name && one.PodUid == other.PodUid && one.ContainerId == other.ContainerId;

    private static Key KeyOf(Endpoint endpoint, uint networkNamespace) => new(endpoint, endpoint.IsLoopback ? networkNamespace : 0);

    private readonly record struct Key(Endpoint Endpoint, uint NetworkNamespace);

    private readonly record struct Entry(Workload? Owner, int Connections);
}
