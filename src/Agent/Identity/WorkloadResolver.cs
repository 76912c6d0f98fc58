using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Where a <see cref="WorkloadResolver"/> looks.</summary>
internal sealed record WorkloadResolverOptions
{
    /// <summary>The proc file system of the root process namespace.</summary>
    public string ProcRoot { get; init; } = "/proc";

    /// <summary>Mount of cgroup2; null to find it.</summary>
    public string? CgroupRoot { get; init; }

    /// <summary>False to walk the cgroups even where they can be opened by their id.</summary>
    public bool OpenCgroupsById { get; init; } = true;
}

/// <summary>Names who is behind sockets, processes and addresses, with Kubernetes and without.</summary>
/// <remarks>
/// A local owner, in this order: 1. the path of its cgroup, as given or found by the id of the cgroup v2; 2. the process that called connect():
/// the paths of its cgroups (which speak where version 2 says nothing: hybrid and version 1 hosts); 3. where Kubernetes is asked, the
/// network namespace or address of a pod; 4. the process that /proc says holds the socket; 5. the name that the kernel gave.
/// An address: the socket of this node that has it; a pod of this node; a Service; a backend of a Service; a node; the outside.
/// Each answer says by its source how it was found. A known owner costs look-ups only, no allocation.
/// Errors: none; what cannot be found is <see cref="Workload.Unknown"/>. Threads: any. Lifetime: workloads outlive the resolver.
/// </remarks>
internal sealed class WorkloadResolver : IWorkloadResolver, ISocketDirectory, IDisposable
{
    /// <summary>Inode of the root process namespace: PROC_PID_INIT_INO in include/linux/proc_ns.h.</summary>
    private const string RootProcessNamespace = "pid:[4026531836]";

    private readonly Lock _lock = new();
    private readonly WorkloadNames _names = new();
    private readonly LocalSockets _localSockets = new();
    private readonly TranslatedSockets _translated = new();
    private readonly ClusterNames? _cluster;
    private readonly ProcessWorkloads _processes;
    private readonly bool _seesRootProcesses;

    /// <param name="options">Where to look.</param>
    /// <param name="cluster">What the API server told; null where there is none.</param>
    /// <param name="time">Clock; the system's when not given.</param>
    public WorkloadResolver(WorkloadResolverOptions? options = null, ClusterState? cluster = null, TimeProvider? time = null)
    {
        options ??= new WorkloadResolverOptions();
        time ??= TimeProvider.System;
        CgroupRoot = options.CgroupRoot ?? Cgroup2.FindMountPoint();
        Cgroups = new CgroupTable(CgroupRoot, options.OpenCgroupsById, time);
        _processes = new ProcessWorkloads(options.ProcRoot, _names, path => OfCgroup(path), time);
        Sockets = new ProcessSockets(options.ProcRoot, time);
        _seesRootProcesses = SeesRootProcesses(options.ProcRoot);
        _cluster = cluster is null ? null : new ClusterNames(cluster, new PodWorkloads(cluster), new PodNetworks(cluster), new AddressNames(cluster, _names));
    }

    /// <summary>Where cgroup2 was found; null when it is not mounted.</summary>
    public string? CgroupRoot { get; }

    /// <summary>The cgroups v2.</summary>
    public CgroupTable Cgroups { get; }

    /// <summary>How sockets are found in /proc.</summary>
    public ProcessSockets Sockets { get; }

    /// <inheritdoc/>
    public int Generation => _cluster?.State.Generation ?? 0;

    /// <summary>Does the slow first look before traffic comes. Optional.</summary>
    public void Prepare() => Sockets.Prepare();

    /// <inheritdoc/>
    public Workload Resolve(in OwnerHint hint)
    {
        CgroupPath path = hint.CgroupPath.IsEmpty ? CgroupPath.Nobody : CgroupPath.Parse(hint.CgroupPath);
        if (path.IsNobody)
        {
            path = Cgroups.Find(hint.CgroupId);
        }
        lock (_lock)
        {
            Workload? workload = OfCgroup(path);
            int processId = _seesRootProcesses ? hint.ProcessId : 0;
            CommName name = CommName.From(hint.ProcessName);
            if (workload is null && processId > 0)
            {
                workload = _processes.Find(processId, name);
            }
            if (workload is null || (workload.ContainerId is null && workload.PodUid is null && workload.Source != WorkloadSource.Cgroup))
            {
                workload = OfNetwork(in hint) ?? workload ?? OfSocket(in hint, name);
            }
            if (workload.PodUid is { } podUid && !workload.IsProvisional)
            {
                _cluster?.Networks.Learn(hint.NetworkNamespace, hint.Local, podUid);
            }
            return workload;
        }
    }

    /// <summary>
    /// Who is at the other end of a local socket's connection. A Service's address, or one that masquerading put there, is seen through when
    /// the other end is on this node.
    /// </summary>
    public Workload ResolvePeer(Connection connection)
    {
        lock (_lock)
        {
            Workload peer = FindByAddress(connection.B, connection.NetworkNamespace);
            return peer.Source != WorkloadSource.Socket && _translated.FindPeer(connection) is { } owner && !ReferenceEquals(owner, Workload.Unknown)
                ? Behind(peer, AsSeenFromAfar(owner)) : peer;
        }
    }

    /// <inheritdoc/>
    public Workload ResolveAddress(Endpoint endpoint, uint networkNamespace)
    {
        lock (_lock)
        {
            return FindByAddress(endpoint, networkNamespace);
        }
    }

    /// <inheritdoc/>
    public Workload Refresh(Workload workload)
    {
        if (_cluster is null)
        {
            return workload;
        }
        lock (_lock)
        {
            return _cluster.Pods.Refresh(workload);
        }
    }

    /// <inheritdoc/>
    public void Add(Connection connection)
    {
        lock (_lock)
        {
            _localSockets.Add(connection.A, connection.NetworkNamespace, connection.Workload);
            _translated.Add(connection);
        }
    }

    /// <inheritdoc/>
    public void Remove(Connection connection)
    {
        lock (_lock)
        {
            _localSockets.Remove(connection.A, connection.NetworkNamespace);
            _translated.Remove(connection);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Cgroups.Dispose();

    private Workload FindByAddress(Endpoint endpoint, uint networkNamespace)
    {
        if (_localSockets.Find(endpoint, networkNamespace) is { } owner && !ReferenceEquals(owner, Workload.Unknown))
        {
            return AsSeenFromAfar(owner);
        }
        if (_cluster is null)
        {
            return Workload.Unknown;
        }
        string? podUid = endpoint.IsLoopback
            ? _cluster.Networks.OfNamespace(networkNamespace)
            : _cluster.Networks.OfAddress(endpoint) ?? _cluster.State.PodByAddress(endpoint)?.Uid;
        return podUid is not null ? _cluster.Pods.Find(podUid, null, WorkloadSource.Address)
            : endpoint.IsLoopback ? Workload.Unknown : _cluster.Addresses.Find(endpoint);
    }

    /// <summary>The pod behind a Service's address, named with that Service; it may stand behind others, too.</summary>
    private Workload Behind(Workload addressed, Workload owner) =>
        addressed.Kind == "Service" && owner.Service != addressed.Service ? _names.Keep(owner with { Service = addressed.Service }) : owner;

    /// <summary>Null when the path names nobody.</summary>
    private Workload? OfCgroup(in CgroupPath path) => _cluster is not null && (path.PodUid is not null || path.ContainerId is not null)
        ? _cluster.Pods.Find(path.PodUid, path.ContainerId, WorkloadSource.Cgroup)
        : _names.OfCgroup(path);

    private Workload? OfNetwork(in OwnerHint hint)
    {
        if (_cluster is null)
        {
            return null;
        }
        if (_cluster.Networks.OfNamespace(hint.NetworkNamespace) is { } podUid)
        {
            return _cluster.Pods.Find(podUid, null, WorkloadSource.NetworkNamespace);
        }
        return hint.Local.IsLoopback || _cluster.State.PodByAddress(hint.Local) is not { } pod ? null : _cluster.Pods.Find(pod.Uid, null, WorkloadSource.Address);
    }

    private Workload OfSocket(in OwnerHint hint, CommName name)
    {
        if (!name.IsEmpty)
        {
            return _names.OfProcess(name);
        }
        return Sockets.TryFind(hint.NetworkNamespace, hint.Local, hint.Remote, out int processId, out name) ? _processes.Find(processId, name) : Workload.Unknown;
    }

    /// <summary>The owner of the other end's socket, marked as found so.</summary>
    private Workload AsSeenFromAfar(Workload owner) => _cluster is not null && (owner.PodUid is not null || owner.ContainerId is not null)
        ? _cluster.Pods.Find(owner.PodUid, owner.ContainerId, WorkloadSource.Socket)
        : _names.AsSocket(owner);

    /// <summary>False when /proc counts processes otherwise than the kernel program: its ids would name strangers.</summary>
    private static bool SeesRootProcesses(string procRoot)
    {
        try
        {
            return new FileInfo(Path.Combine(procRoot, "1/ns/pid")).LinkTarget is not { } link || link == RootProcessNamespace;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>What there is where an API server is asked.</summary>
    private sealed record ClusterNames(ClusterState State, PodWorkloads Pods, PodNetworks Networks, AddressNames Addresses);
}
