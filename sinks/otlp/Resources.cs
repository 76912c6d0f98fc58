using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Opens and closes what stands around spans, metrics and log records: who they are of, and who tells.</summary>
/// <remarks>
/// Shape, the same for all three signals: request { 1: { resource = 1, 2: { scope = 1, 2: item …, schema_url = 3 }, schema_url = 3 } … }.
/// Source: OTLP's protos; semantic conventions for resources, "service" and "Kubernetes", and "Specify resource attributes using Kubernetes annotations" for
/// what service.* is when nobody says.
/// </remarks>
internal sealed class Resources(string nodeName, string version)
{
    /// <summary>Number of the items' field.</summary>
    public const int Item = 2;

    private const int Resource = 1;
    private const int Attribute = 1;

    private static ReadOnlySpan<byte> SchemaUrl => "https://opentelemetry.io/schemas/1.37.0"u8;

    /// <summary>Marks of the two messages that are open.</summary>
    public readonly record struct Opened(int Group, int Scope);

    /// <summary>Begins what was seen of a workload; items follow.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="workload">Who.</param>
    /// <param name="withContainerId">Also which run of the container: for what happened once, not for series that outlive it.</param>
    public Opened Open(ProtoWriter writer, Workload workload, bool withContainerId)
    {
        int group = writer.Open(1);
        int resource = writer.Open(Resource);
        writer.Attribute(Attribute, "service.name"u8, workload.Name);
        writer.Attribute(Attribute, "service.namespace"u8, workload.Namespace);
        writer.Attribute(Attribute, "service.instance.id"u8, InstanceOf(workload));
        writer.Attribute(Attribute, "k8s.namespace.name"u8, workload.Namespace);
        writer.Attribute(Attribute, "k8s.pod.name"u8, workload.Pod);
        writer.Attribute(Attribute, "k8s.pod.uid"u8, workload.PodUid);
        writer.Attribute(Attribute, "k8s.container.name"u8, workload.Container);
        writer.Attribute(Attribute, "k8s.service.name"u8, workload.Service);
        ReadOnlySpan<byte> owner = OwnerKey(workload.Kind);
        if (!owner.IsEmpty)
        {
            writer.Attribute(Attribute, owner, workload.Name);
        }
        if (withContainerId)
        {
            writer.Attribute(Attribute, "container.id"u8, workload.ContainerId);
        }
        string node = workload.Node ?? nodeName;
        writer.Attribute(Attribute, workload.Namespace is null ? "host.name"u8 : "k8s.node.name"u8, node);
        writer.Close(resource);
        return OpenScope(writer, group);
    }

    /// <summary>Begins what the agent tells of itself.</summary>
    public Opened OpenAgent(ProtoWriter writer)
    {
        int group = writer.Open(1);
        int resource = writer.Open(Resource);
        writer.Attribute(Attribute, "service.name"u8, "kubebpfbox");
        writer.Attribute(Attribute, "service.version"u8, version);
        writer.Attribute(Attribute, "service.instance.id"u8, nodeName);
        writer.Attribute(Attribute, "host.name"u8, nodeName);
        writer.Attribute(Attribute, "k8s.node.name"u8, nodeName);
        writer.Close(resource);
        return OpenScope(writer, group);
    }

    /// <summary>Ends either.</summary>
    public static void Close(ProtoWriter writer, Opened opened)
    {
        writer.Bytes(3, SchemaUrl);
        writer.Close(opened.Scope);
        writer.Bytes(3, SchemaUrl);
        writer.Close(opened.Group);
    }

    private Opened OpenScope(ProtoWriter writer, int group)
    {
        int opened = writer.Open(2);
        int scope = writer.Open(1);
        writer.Bytes(1, "kubebpfbox"u8);
        writer.Text(2, version);
        writer.Close(scope);
        return new Opened(group, opened);
    }

    /// <summary>"namespace.pod.container" as the conventions say; outside of Kubernetes, what runs under a name on a node is one instance of it.</summary>
    private string InstanceOf(Workload workload) => workload switch
    {
        { Pod: { } pod, Namespace: { } space, Container: { } container } => $"{space}.{pod}.{container}",
        { Pod: { } pod, Namespace: { } space } => $"{space}.{pod}",
        _ => $"{workload.Node ?? nodeName}/{workload.Name}",
    };

    private static ReadOnlySpan<byte> OwnerKey(string? kind) => kind switch
    {
        "Deployment" => "k8s.deployment.name"u8,
        "StatefulSet" => "k8s.statefulset.name"u8,
        "DaemonSet" => "k8s.daemonset.name"u8,
        "ReplicaSet" => "k8s.replicaset.name"u8,
        "Job" => "k8s.job.name"u8,
        "CronJob" => "k8s.cronjob.name"u8,
        _ => default,
    };
}
