using System.Text.Json.Serialization;

namespace KubeBpfBox.Agent.Kubernetes.Objects;

// Only the fields that are read; all others are passed over while parsing. Anything may be missing. Setters, not init: the generated reader then needs no array of arguments.

/// <summary>What all objects have.</summary>
internal sealed class ObjectMeta
{
    public string? Name { get; set; }

    public string? Namespace { get; set; }

    public string? Uid { get; set; }

    public string? ResourceVersion { get; set; }

    public DateTimeOffset? DeletionTimestamp { get; set; }

    public KnownLabels? Labels { get; set; }

    public KnownAnnotations? Annotations { get; set; }

    public OwnerReference[]? OwnerReferences { get; set; }
}

/// <summary>The labels that are read.</summary>
internal sealed class KnownLabels
{
    [JsonPropertyName("pod-template-hash")]
    public string? PodTemplateHash { get; set; }

    [JsonPropertyName("kubernetes.io/service-name")]
    public string? ServiceName { get; set; }
}

/// <summary>The annotations that are read. Source: pkg/kubelet/types/pod_update.go of Kubernetes.</summary>
internal sealed class KnownAnnotations
{
    [JsonPropertyName("kubernetes.io/config.hash")]
    public string? ConfigHash { get; set; }

    [JsonPropertyName("kubernetes.io/config.mirror")]
    public string? ConfigMirror { get; set; }
}

/// <summary>An owner of an object.</summary>
internal sealed class OwnerReference
{
    public string? ApiVersion { get; set; }

    public string? Kind { get; set; }

    public string? Name { get; set; }

    public string? Uid { get; set; }

    public bool? Controller { get; set; }
}

/// <summary>What all objects are, as far as the watch is concerned.</summary>
internal abstract class ApiObject
{
    public ObjectMeta? Metadata { get; set; }
}

/// <summary>One page of a list.</summary>
internal sealed class ObjectList<T>
{
    public ListMeta? Metadata { get; set; }

    public T?[]? Items { get; set; }
}

/// <summary>Where a list stands.</summary>
internal sealed class ListMeta
{
    public string? ResourceVersion { get; set; }

    public string? Continue { get; set; }
}

/// <summary>The answer to a request that failed.</summary>
internal sealed class Status
{
    public string? Message { get; set; }

    public string? Reason { get; set; }

    public int? Code { get; set; }
}
