using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>The node's pods, and for a while those that were deleted.</summary>
/// <remarks>Threads: guarded by <see cref="ClusterState"/>. Changes say whether an answer may be another one now.</remarks>
internal sealed class PodTable(TimeProvider time, TimeSpan tombstoneAge, int maxTombstones)
{
    private readonly Dictionary<string, PodInfo> _living = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PodInfo> _byUid = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (PodInfo Pod, string Name)> _byContainerId = new(StringComparer.Ordinal);
    private readonly ClaimIndex<Endpoint, PodInfo> _byAddress = new(static (a, b) => b.StartTime.CompareTo(a.StartTime));
    private readonly Queue<(long Deleted, PodInfo Pod)> _tombstones = [];

    /// <summary>Uids of the pods that live.</summary>
    public IReadOnlyCollection<string> LivingUids => _living.Keys;

    /// <summary>Deleted pods that are still known.</summary>
    public int TombstoneCount => _tombstones.Count;

    public PodInfo? ByUid(string uid) => _byUid.GetValueOrDefault(uid);

    public PodInfo? ByContainerId(string id, out string? name)
    {
        bool isKnown = _byContainerId.TryGetValue(id, out (PodInfo Pod, string Name) found);
        name = isKnown ? found.Name : null;
        return isKnown ? found.Pod : null;
    }

    /// <summary>The pod that has the address now: of several the newest, if all the others are on their way out.</summary>
    public PodInfo? ByAddress(Endpoint address)
    {
        ReadOnlySpan<PodInfo> claimants = _byAddress.Of(address);
        for (int i = 1; i < claimants.Length; i++)
        {
            if (!claimants[i].IsTerminating || claimants[i].StartTime == claimants[0].StartTime)
            {
                return null;
            }
        }
        return claimants.IsEmpty ? null : claimants[0];
    }

    public bool HasAddress(Endpoint address) => _byAddress.Contains(address);

    /// <summary>Living pods of a Job.</summary>
    public IReadOnlyList<PodInfo> OfJob(string jobUid) => [.. _living.Values.Where(pod => pod.Job?.Uid == jobUid)];

    /// <summary>Takes in a new pod, or a new view of a known one.</summary>
    public bool Upsert(PodInfo pod)
    {
        if (_living.TryGetValue(pod.Uid, out PodInfo? older))
        {
            if (pod.Equals(older))
            {
                return false;
            }
            pod.Succeed(older);
            Forget(older);
        }
        _living[pod.Uid] = pod;
        Name(pod);
        if (pod.OwnsItsAddresses)
        {
            foreach (Endpoint address in pod.Addresses)
            {
                _byAddress.Add(address, pod);
            }
        }
        return true;
    }

    /// <summary>A pod was deleted: it loses its addresses at once, and its names after a while.</summary>
    public bool Delete(string uid)
    {
        if (!_living.Remove(uid, out PodInfo? pod))
        {
            return false;
        }
        ReleaseAddresses(pod);
        pod.Bury();
        _tombstones.Enqueue((time.GetTimestamp(), pod));
        Sweep();
        return true;
    }

    /// <summary>Forgets the pods that were deleted long ago, or are too many.</summary>
    public bool Sweep()
    {
        bool hasForgotten = false;
        while (_tombstones.TryPeek(out var oldest) && (_tombstones.Count > maxTombstones || time.GetElapsedTime(oldest.Deleted) >= tombstoneAge))
        {
            _tombstones.Dequeue();
            Forget(oldest.Pod);
            hasForgotten = true;
        }
        return hasForgotten;
    }

    private void Name(PodInfo pod)
    {
        _byUid[pod.Uid] = pod;
        if (pod.ConfigHash is not null)
        {
            _byUid[pod.ConfigHash] = pod;
        }
        foreach (ContainerName container in pod.Containers)
        {
            _byContainerId[container.Id] = (pod, container.Name);
        }
    }

    /// <summary>Takes a pod out of all look-ups, where no newer one has taken its place.</summary>
    private void Forget(PodInfo pod)
    {
        ReleaseAddresses(pod);
        ForgetUid(pod.Uid, pod);
        if (pod.ConfigHash is not null)
        {
            ForgetUid(pod.ConfigHash, pod);
        }
        foreach (ContainerName container in pod.Containers)
        {
            if (_byContainerId.TryGetValue(container.Id, out var found) && ReferenceEquals(found.Pod, pod))
            {
                _byContainerId.Remove(container.Id);
            }
        }
    }

    private void ForgetUid(string uid, PodInfo pod)
    {
        if (_byUid.TryGetValue(uid, out PodInfo? found) && ReferenceEquals(found, pod))
        {
            _byUid.Remove(uid);
        }
    }

    private void ReleaseAddresses(PodInfo pod)
    {
        foreach (Endpoint address in pod.Addresses)
        {
            _byAddress.Remove(address, pod);
        }
    }
}
