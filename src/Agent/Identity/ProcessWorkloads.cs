using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>From a process id to its workload: what its cgroups name, else its own name.</summary>
/// <remarks>
/// /proc/&lt;pid&gt;/comm is the process's name now; the one that the kernel program or a scan gave serves when the process has gone.
/// Answers are kept a while; another given name asks again, since the process may have become another program by exec. Not thread-safe.
/// </remarks>
internal sealed class ProcessWorkloads(string procRoot, WorkloadNames names, Func<CgroupPath, Workload?> ofCgroup, TimeProvider time)
{
    private const int MaxProcesses = 8192;
    private const long KnownForMs = 10_000;
    private const long UnknownForMs = 1000;
    private const int CgroupFileLength = 8192;

    private readonly byte[] _root = PathBuffer.Root(procRoot);
    private readonly byte[] _cgroupFile = new byte[CgroupFileLength];
    private readonly Dictionary<int, (Workload Workload, CommName GivenName, long UntilMs)> _byProcess = [];

    /// <param name="processId">Process id as /proc counts.</param>
    /// <param name="givenName">What the kernel or a scan said it is called; may be empty.</param>
    public Workload Find(int processId, CommName givenName)
    {
        long nowMs = (long)(time.GetTimestamp() / (double)time.TimestampFrequency * 1000);
        if (_byProcess.TryGetValue(processId, out (Workload Workload, CommName GivenName, long UntilMs) known)
            && known.GivenName == givenName && nowMs < known.UntilMs)
        {
            return known.Workload;
        }
        Workload workload = Read(processId, givenName);
        if (_byProcess.Count >= MaxProcesses)
        {
            _byProcess.Clear();
        }
        _byProcess[processId] = (workload, givenName, nowMs + (workload == Workload.Unknown ? UnknownForMs : KnownForMs));
        return workload;
    }

    private Workload Read(int processId, CommName givenName)
    {
        Span<byte> path = stackalloc byte[PathBuffer.Length];
        CgroupPath cgroup = CgroupPath.ParseProcess(Libc.ReadFile(PathBuffer.OfProcess(path, _root, processId, "/cgroup"u8), _cgroupFile));
        if (ofCgroup(cgroup) is { } workload)
        {
            return workload;
        }
        CommName name = CommName.From(Libc.ReadFile(PathBuffer.OfProcess(path, _root, processId, "/comm"u8), stackalloc byte[32]));
        return names.OfProcess(name.IsEmpty ? givenName : name);
    }
}
