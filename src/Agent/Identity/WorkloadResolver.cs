using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Where a <see cref="WorkloadResolver"/> looks.</summary>
public sealed record WorkloadResolverOptions
{
    /// <summary>The proc file system of the root process namespace.</summary>
    public string ProcRoot { get; init; } = "/proc";

    /// <summary>Mount of cgroup2; null to find it.</summary>
    public string? CgroupRoot { get; init; }

    /// <summary>False to walk the cgroups even where they can be opened by their id.</summary>
    public bool OpenCgroupsById { get; init; } = true;
}

/// <summary>Names the owner of a socket without Kubernetes: container or systemd unit by cgroup, else the process.</summary>
/// <remarks>
/// Order: 1. the path of the socket's cgroup v2; 2. the process that called connect(), or that /proc says holds the socket: the paths of its
/// cgroups (which speak where version 2 says nothing: hybrid and version 1 hosts), then its name; 3. the name that the kernel gave.
/// Errors: none; what cannot be found is <see cref="Workload.Unknown"/>. A known owner costs look-ups only, no allocation.
/// Not thread-safe: one parse thread calls it. Lifetime: workloads outlive the resolver.
/// </remarks>
public sealed class WorkloadResolver : IWorkloadResolver, IDisposable
{
    /// <summary>Inode of the root process namespace: PROC_PID_INIT_INO in include/linux/proc_ns.h.</summary>
    private const string RootProcessNamespace = "pid:[4026531836]";

    private readonly WorkloadNames _names = new();
    private readonly CgroupTable _cgroups;
    private readonly ProcessWorkloads _processes;
    private readonly bool _seesRootProcesses;

    /// <param name="options">Where to look.</param>
    /// <param name="time">Clock; the system's when not given.</param>
    public WorkloadResolver(WorkloadResolverOptions? options = null, TimeProvider? time = null)
    {
        options ??= new WorkloadResolverOptions();
        time ??= TimeProvider.System;
        CgroupRoot = options.CgroupRoot ?? Cgroup2.FindMountPoint();
        _cgroups = new CgroupTable(CgroupRoot, options.OpenCgroupsById, _names, time);
        _processes = new ProcessWorkloads(options.ProcRoot, _names, time);
        Sockets = new ProcessSockets(options.ProcRoot, time);
        _seesRootProcesses = SeesRootProcesses(options.ProcRoot);
    }

    /// <summary>Where cgroup2 was found; null when it is not mounted.</summary>
    public string? CgroupRoot { get; }

    /// <summary>How sockets are found in /proc.</summary>
    public ProcessSockets Sockets { get; }

    /// <summary>How many times the cgroups were walked; stays 0 where they can be opened by id.</summary>
    public int CgroupWalks => _cgroups.Walks;

    /// <summary>Does the slow first look before traffic comes. Optional.</summary>
    public void Prepare() => Sockets.Prepare();

    /// <inheritdoc/>
    public int Generation => 0;

    /// <inheritdoc/>
    public Workload ResolveAddress(Endpoint endpoint, uint networkNamespace) => Workload.Unknown;

    /// <inheritdoc/>
    public Workload Refresh(Workload workload) => workload;

    /// <inheritdoc/>
    public Workload Resolve(in OwnerHint hint)
    {
        if (_cgroups.Find(hint.CgroupId) is { } workload)
        {
            return workload;
        }
        CommName name = CommName.From(hint.ProcessName);
        int processId = _seesRootProcesses ? hint.ProcessId : 0;
        if (processId <= 0 && name.IsEmpty)
        {
            Sockets.TryFind(hint.NetworkNamespace, hint.Local, hint.Remote, out processId, out name);
        }
        return processId > 0 ? _processes.Find(processId, name) : _names.OfProcess(name);
    }

    /// <inheritdoc/>
    public void Dispose() => _cgroups.Dispose();

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
}
