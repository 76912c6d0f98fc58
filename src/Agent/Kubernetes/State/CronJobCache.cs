namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>Which CronJob made a Job, by the Job's uid.</summary>
/// <remarks>Threads: guarded by <see cref="ClusterState"/>. Memory: the last 1024 Jobs.</remarks>
internal sealed class CronJobCache
{
    private const int MaxJobs = 1024;

    private readonly Dictionary<string, string?> _byJob = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = [];

    /// <summary>Notes that a Job is being asked for.</summary>
    /// <returns>False when it was before.</returns>
    public bool TryAdd(string jobUid)
    {
        if (!_byJob.TryAdd(jobUid, null))
        {
            return false;
        }
        _order.Enqueue(jobUid);
        while (_order.Count > MaxJobs)
        {
            _byJob.Remove(_order.Dequeue());
        }
        return true;
    }

    /// <summary>The CronJob's name; null when there is none, or it is not known yet.</summary>
    public string? Find(string jobUid) => _byJob.GetValueOrDefault(jobUid);

    /// <summary>No answer came: whoever meets the Job next asks again.</summary>
    public void Forget(string jobUid) => _byJob.Remove(jobUid);

    /// <summary>Keeps an answer.</summary>
    public void Set(string jobUid, string cronJob)
    {
        TryAdd(jobUid);
        _byJob[jobUid] = cronJob;
    }
}
