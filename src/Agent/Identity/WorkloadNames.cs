using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Keeps one <see cref="Workload"/> for each name, so that a known owner costs no allocation.</summary>
/// <remarks>
/// Lifetime: workloads are never changed. A full table is emptied (names are outsiders' to choose), so two instances of one name can
/// exist over time: compare by value. Not thread-safe.
/// </remarks>
internal sealed class WorkloadNames
{
    private const int MaxNames = 8192;

    private readonly Dictionary<CommName, Workload> _byProcessName = [];
    private readonly Dictionary<string, Workload> _byCgroup = [];
    private readonly Dictionary<Workload, Workload> _kept = [];
    private readonly Dictionary<Workload, Workload> _asSocket = new(ReferenceEqualityComparer.Instance);

    public Workload OfProcess(CommName name)
    {
        if (name.IsEmpty)
        {
            return Workload.Unknown;
        }
        if (!_byProcessName.TryGetValue(name, out Workload? workload))
        {
            string text = name.ToString();
            workload = new Workload(text, "process") { ProcessName = text };
            Add(_byProcessName, name, workload);
        }
        return workload;
    }

    /// <summary>Null when the path names nobody.</summary>
    public Workload? OfCgroup(in CgroupPath path)
    {
        if (path.Kind == CgroupKind.None)
        {
            return null;
        }
        // An LXC container may bear a unit's name: the slash, which no segment has, keeps them apart.
        string key = path.ContainerId is { } id ? "/" + id : path.Name;
        if (!_byCgroup.TryGetValue(key, out Workload? workload))
        {
            workload = new Workload(path.Name, "cgroup") { ContainerId = path.ContainerId };
            Add(_byCgroup, key, workload);
        }
        return workload;
    }

    /// <summary>One instance for all that are equal.</summary>
    public Workload Keep(Workload made)
    {
        if (!_kept.TryGetValue(made, out Workload? workload))
        {
            workload = made;
            Add(_kept, made, made);
        }
        return workload;
    }

    /// <summary>The same owner, found through its socket. Asked for each connection, so a known one is found by its instance alone.</summary>
    public Workload AsSocket(Workload owner)
    {
        if (!_asSocket.TryGetValue(owner, out Workload? workload))
        {
            workload = Keep(owner with { Source = WorkloadSource.Socket });
            Add(_asSocket, owner, workload);
        }
        return workload;
    }

    private static void Add<TKey>(Dictionary<TKey, Workload> table, TKey key, Workload workload)
        where TKey : notnull
    {
        if (table.Count >= MaxNames)
        {
            table.Clear();
        }
        table.Add(key, workload);
    }
}
