using System.Buffers;
using System.Text;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>The tags of a point: all that there are. What is null or empty is left out.</summary>
/// <remarks>Tags make series, and each series costs the server memory: nothing that a client chooses freely is one.</remarks>
public readonly record struct PointTags
{
    /// <summary>Status code.</summary>
    public string? Code { get; init; }

    /// <summary>Container.</summary>
    public string? Container { get; init; }

    /// <summary>OpenTelemetry's error.type.</summary>
    public string? Error { get; init; }

    /// <summary>"ingress": this end is the server; "egress": it is the client.</summary>
    public string? Flow { get; init; }

    /// <summary>Method.</summary>
    public string? Method { get; init; }

    /// <summary>Namespace of Kubernetes.</summary>
    public string? Namespace { get; init; }

    /// <summary>Node.</summary>
    public string? Node { get; init; }

    /// <summary>Pod.</summary>
    public string? Pod { get; init; }

    /// <summary>Why something was dropped.</summary>
    public string? Reason { get; init; }

    /// <summary>Template of the route.</summary>
    public string? Route { get; init; }

    /// <summary>Service of Kubernetes.</summary>
    public string? Service { get; init; }

    /// <summary>Stage of the ledger.</summary>
    public string? Stage { get; init; }

    /// <summary>Protocol.</summary>
    public string? Type { get; init; }

    /// <summary>What a stage counts.</summary>
    public string? Unit { get; init; }

    /// <summary>Name of the workload.</summary>
    public string? Workload { get; init; }

    /// <summary>The tags that say who.</summary>
    /// <param name="workload">Who; nothing but the node is said of what could not be attributed.</param>
    /// <param name="node">The agent's node.</param>
    public static PointTags Of(Workload workload, string node) => ReferenceEquals(workload, Core.Records.Workload.Unknown)
        ? new PointTags { Node = node }
        : new PointTags
        {
            Container = workload.Container,
            Namespace = workload.Namespace,
            Node = node,
            Pod = workload.Pod,
            Service = workload.Service,
            Workload = workload.Name,
        };

    /// <summary>The value of "flow" for a role; null for a capture's.</summary>
    public static string? FlowOf(string? role) => role switch
    {
        "server" => "ingress",
        "client" => "egress",
        _ => null,
    };

    /// <summary>Measurement and tags as a line starts with them. In the order of their names, which is the one that the server sorts them to.</summary>
    public string Escape(ReadOnlySpan<byte> measurement)
    {
        ArrayBufferWriter<byte> buffer = new(256);
        LineWriter writer = new(buffer);
        writer.Raw(measurement);
        writer.Tag("code"u8, Code);
        writer.Tag("containername"u8, Container);
        writer.Tag("error"u8, Error);
        writer.Tag("flow"u8, Flow);
        writer.Tag("method"u8, Method);
        writer.Tag("namespace"u8, Namespace);
        writer.Tag("nodename"u8, Node);
        writer.Tag("podname"u8, Pod);
        writer.Tag("reason"u8, Reason);
        writer.Tag("route"u8, Route);
        writer.Tag("servicename"u8, Service);
        writer.Tag("stage"u8, Stage);
        writer.Tag("type"u8, Type);
        writer.Tag("unit"u8, Unit);
        writer.Tag("workload"u8, Workload);
        writer.Flush();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
