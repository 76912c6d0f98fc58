using System.Text.Json.Nodes;
using KubeBpfBox.Agent.Kubernetes.State;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Unit.Kubernetes;

/// <summary>Objects as the API server writes them, with more than is read.</summary>
internal static class KubeObjects
{
    public const string NodeName = "node-1";

    public static JsonObject Pod(string name, string? ip = null, string? uid = null, string @namespace = "default", string node = NodeName) => new()
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["namespace"] = @namespace,
            ["uid"] = uid ?? $"uid-of-{name}",
            ["creationTimestamp"] = "2026-01-31T11:00:00Z",
            ["labels"] = new JsonObject { ["app"] = "x" },
            ["managedFields"] = new JsonArray(new JsonObject { ["manager"] = "kubelet", ["fieldsV1"] = new JsonObject { ["f:status"] = new JsonObject() } }),
        },
        ["spec"] = new JsonObject { ["nodeName"] = node, ["containers"] = new JsonArray(new JsonObject { ["name"] = "main", ["image"] = "x:1" }) },
        ["status"] = new JsonObject
        {
            ["phase"] = "Running",
            ["startTime"] = "2026-01-31T11:00:01Z",
            ["podIP"] = ip,
            ["podIPs"] = ip is null ? null : new JsonArray(new JsonObject { ["ip"] = ip }),
            ["containerStatuses"] = new JsonArray(new JsonObject { ["name"] = "main", ["containerID"] = $"containerd://container-of-{name}", ["state"] = new JsonObject { ["running"] = new JsonObject() } }),
        },
    };

    public static JsonObject OwnedBy(this JsonObject pod, string kind, string name, string apiVersion = "apps/v1", string? hash = null, string uid = "owner")
    {
        pod["metadata"]!["ownerReferences"] = new JsonArray(
            new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Other", ["name"] = "no-controller", ["uid"] = "other" },
            new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind, ["name"] = name, ["uid"] = uid, ["controller"] = true, ["blockOwnerDeletion"] = true });
        if (hash is not null)
        {
            pod["metadata"]!["labels"]!["pod-template-hash"] = hash;
        }
        return pod;
    }

    /// <summary>Sets a value below an object: "status/phase".</summary>
    public static JsonObject With(this JsonObject item, string path, JsonNode? value)
    {
        string[] names = path.Split('/');
        JsonNode parent = item;
        foreach (string name in names[..^1])
        {
            parent = parent[name] ?? (parent[name] = new JsonObject());
        }
        parent[names[^1]] = value;
        return item;
    }

    public static JsonObject Service(string name, string clusterIp, params int[] ports) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default", ["uid"] = $"uid-of-{name}" },
        ["spec"] = new JsonObject
        {
            ["clusterIP"] = clusterIp,
            ["clusterIPs"] = new JsonArray(clusterIp),
            ["ports"] = new JsonArray([.. ports.Select(static port => new JsonObject { ["port"] = port, ["protocol"] = "TCP", ["targetPort"] = "http" })]),
        },
        ["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() },
    };

    public static JsonObject Slice(string name, string service, string ip, string? pod, int? port = 8080, string? node = NodeName) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default", ["uid"] = $"uid-of-{name}", ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = service } },
        ["addressType"] = "IPv4",
        ["endpoints"] = new JsonArray(new JsonObject
        {
            ["addresses"] = new JsonArray(ip),
            ["conditions"] = new JsonObject { ["ready"] = true },
            ["nodeName"] = node,
            ["targetRef"] = pod is null ? null : new JsonObject { ["kind"] = "Pod", ["name"] = pod, ["namespace"] = "default" },
        }),
        ["ports"] = port is null ? new JsonArray() : new JsonArray(new JsonObject { ["name"] = "", ["port"] = port, ["protocol"] = "TCP" }),
    };

    public static JsonObject NodeObject(string name, string ip, params string[] blocks) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name, ["uid"] = $"uid-of-{name}" },
        ["spec"] = new JsonObject { ["podCIDR"] = blocks.FirstOrDefault(), ["podCIDRs"] = new JsonArray([.. blocks.Select(static block => JsonValue.Create(block))]) },
        ["status"] = new JsonObject { ["addresses"] = new JsonArray(Address("InternalIP", ip), Address("Hostname", name)), ["images"] = new JsonArray() },
    };

    /// <summary>"10.0.0.1" or "10.0.0.1:80".</summary>
    public static Endpoint At(string text)
    {
        string[] parts = text.Split(':');
        return parts.Length == 2 ? At(parts[0]) with { Port = ushort.Parse(parts[1]) } : Addresses.TryRead(text, out Endpoint address) ? address : throw new ArgumentException(text);
    }

    private static JsonObject Address(string type, string address) => new() { ["type"] = type, ["address"] = address };
}
