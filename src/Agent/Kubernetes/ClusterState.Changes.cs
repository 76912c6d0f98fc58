using KubeBpfBox.Agent.Kubernetes.Objects;
using KubeBpfBox.Agent.Kubernetes.State;

namespace KubeBpfBox.Agent.Kubernetes;

/// <content>What the watches tell.</content>
internal sealed partial class ClusterState
{
    /// <summary>Called, inside the lock, once for each Job whose maker is not known: must only take note.</summary>
    public Action<JobReference>? JobMet { get; init; }

    /// <summary>Called, inside the lock, once for each node that endpoints name and no list had: must only take note.</summary>
    public Action<string>? UnknownNodeMet { get; init; }

    /// <summary>Deleted pods that are still known.</summary>
    public int TombstoneCount
    {
        get
        {
            lock (_lock)
            {
                return _pods.TombstoneCount;
            }
        }
    }

    /// <summary>Pods, Services and backends have all been listed once.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _hasAllLists = true;
            Note(true);
        }
    }

    /// <summary>A pod is there, or has changed.</summary>
    public void Upsert(PodInfo pod)
    {
        lock (_lock)
        {
            if (pod.Job is { } job)
            {
                if (_cronJobs.TryAdd(job.Uid))
                {
                    JobMet?.Invoke(job);
                }
                pod = MadeBy(pod, _cronJobs.Find(job.Uid));
            }
            Note(_pods.Upsert(pod));
        }
    }

    /// <summary>A pod was deleted.</summary>
    public void Remove(PodInfo pod)
    {
        lock (_lock)
        {
            Note(_pods.Delete(pod.Uid));
        }
    }

    /// <summary>These pods are all there are.</summary>
    public void Replace(IReadOnlyList<PodInfo> pods)
    {
        // First those that are gone: an address of theirs may belong to one of the new ones. One lock for each, so that no look-up waits for all.
        HashSet<string> listed = [.. pods.Select(static pod => pod.Uid)];
        foreach (string uid in Missing(() => _pods.LivingUids, listed))
        {
            lock (_lock)
            {
                Note(_pods.Delete(uid));
            }
        }
        foreach (PodInfo pod in pods)
        {
            Upsert(pod);
        }
    }

    /// <summary>A Service is there, or has changed.</summary>
    public void Upsert(ServiceInfo service)
    {
        lock (_lock)
        {
            Note(_services.Upsert(service));
        }
    }

    /// <summary>A Service was deleted.</summary>
    public void Remove(ServiceInfo service)
    {
        lock (_lock)
        {
            Note(_services.Delete((service.Namespace, service.Name)));
        }
    }

    /// <summary>These Services are all there are.</summary>
    public void Replace(IReadOnlyList<ServiceInfo> services)
    {
        HashSet<(string, string)> listed = [.. services.Select(static service => (service.Namespace, service.Name))];
        foreach ((string, string) key in Missing(() => _services.Keys, listed))
        {
            lock (_lock)
            {
                Note(_services.Delete(key));
            }
        }
        foreach (ServiceInfo service in services)
        {
            Upsert(service);
        }
    }

    /// <summary>A slice of endpoints is there, or has changed.</summary>
    public void Upsert(EndpointSet set)
    {
        lock (_lock)
        {
            Note(_endpoints.Upsert(set));
            foreach (EndpointInfo endpoint in set.Endpoints)
            {
                if (endpoint.NodeName is { } node && _nodes.IsNewlyMet(node))
                {
                    UnknownNodeMet?.Invoke(node);
                }
            }
        }
    }

    /// <summary>A slice of endpoints was deleted.</summary>
    public void Remove(EndpointSet set)
    {
        lock (_lock)
        {
            Note(_endpoints.Delete((set.Namespace, set.Name)));
        }
    }

    /// <summary>These slices are all there are.</summary>
    public void Replace(IReadOnlyList<EndpointSet> sets)
    {
        HashSet<(string, string)> listed = [.. sets.Select(static set => (set.Namespace, set.Name))];
        foreach ((string, string) key in Missing(() => _endpoints.Keys, listed))
        {
            lock (_lock)
            {
                Note(_endpoints.Delete(key));
            }
        }
        foreach (EndpointSet set in sets)
        {
            Upsert(set);
        }
    }

    /// <summary>These nodes are all there are.</summary>
    public void Replace(IReadOnlyList<Node> nodes)
    {
        NodeMap map = new();
        foreach (Node node in nodes)
        {
            map.Add(node);
        }
        lock (_lock)
        {
            _nodes = map;
            Note(true);
        }
    }

    /// <summary>These nodes are there, too.</summary>
    public void Add(IReadOnlyList<Node> nodes)
    {
        lock (_lock)
        {
            foreach (Node node in nodes)
            {
                _nodes.Add(node);
                Note(true);
            }
        }
    }

    /// <summary>A CronJob made the Job: its pods are the CronJob's.</summary>
    public void SetCronJob(JobReference job, string cronJob)
    {
        lock (_lock)
        {
            _cronJobs.Set(job.Uid, cronJob);
            foreach (PodInfo pod in _pods.OfJob(job.Uid))
            {
                Note(_pods.Upsert(MadeBy(pod, cronJob)));
            }
        }
    }

    /// <summary>It could not be learnt who made the Job: the next change of one of its pods asks again.</summary>
    public void ForgetJob(JobReference job)
    {
        lock (_lock)
        {
            _cronJobs.Forget(job.Uid);
        }
    }

    /// <summary>Forgets pods that were deleted long ago.</summary>
    public void Sweep()
    {
        lock (_lock)
        {
            Note(_pods.Sweep());
        }
    }

    private static PodInfo MadeBy(PodInfo pod, string? cronJob) => cronJob is null ? pod : pod with { WorkloadName = cronJob, WorkloadKind = "CronJob" };

    private List<TKey> Missing<TKey>(Func<IReadOnlyCollection<TKey>> known, HashSet<TKey> listed)
    {
        lock (_lock)
        {
            return [.. known().Where(key => !listed.Contains(key))];
        }
    }

    private void Note(bool hasChanged)
    {
        if (hasChanged)
        {
            Volatile.Write(ref _generation, _generation + 1);
        }
    }
}
