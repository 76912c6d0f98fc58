using KubeBpfBox.Agent.Kubernetes.Objects;

namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>Whose pod it is, by what the pod itself says.</summary>
/// <param name="Name">Name of the workload.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Job">The Job, when it is one: only the API server knows whether a CronJob made it.</param>
internal readonly record struct PodOwner(string Name, string Kind, JobReference? Job)
{
    /// <summary>Finds the owner.</summary>
    public static PodOwner Of(ObjectMeta meta, string pod, string @namespace, string node)
    {
        OwnerReference? controller = Array.Find(meta.OwnerReferences ?? [], static owner => owner is { Controller: true, Name.Length: > 0, Kind.Length: > 0 });
        if (meta.Annotations?.ConfigMirror is not null || controller is { Kind: "Node" })
        {
            // The kubelet calls the mirror of a static pod "<name>-<node>".
            string suffix = "-" + node;
            return new PodOwner(node.Length > 0 && pod.Length > suffix.Length && pod.EndsWith(suffix, StringComparison.Ordinal) ? pod[..^suffix.Length] : pod, "StaticPod", null);
        }
        return controller switch
        {
            null => new PodOwner(pod, "Pod", null),
            { Kind: "ReplicaSet" } => OfReplicaSet(controller.Name!, meta.Labels?.PodTemplateHash),
            // Other groups have kinds of this name, too.
            { Kind: "Job", Uid.Length: > 0 } when controller.ApiVersion?.StartsWith("batch/", StringComparison.Ordinal) == true =>
                new PodOwner(controller.Name!, "Job", new JobReference(@namespace, controller.Name!, controller.Uid)),
            _ => new PodOwner(controller.Name!, controller.Kind!, null),
        };
    }

    /// <summary>A Deployment calls its ReplicaSets "&lt;name&gt;-&lt;hash&gt;" and labels their pods with the hash; a ReplicaSet of somebody else's has no such label.</summary>
    private static PodOwner OfReplicaSet(string name, string? hash) =>
        hash is { Length: > 0 } && name.Length > hash.Length + 1 && name.EndsWith(hash, StringComparison.Ordinal) && name[^(hash.Length + 1)] == '-'
            ? new PodOwner(name[..^(hash.Length + 1)], "Deployment", null)
            : new PodOwner(name, "ReplicaSet", null);
}
