using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>What of a workload counts where its pods are taken together.</summary>
internal readonly record struct WorkloadId(string Name, string? Kind, string? Namespace) : IComparable<WorkloadId>
{
    /// <summary>Takes what is over a bound.</summary>
    public static WorkloadId Overflow { get; } = new("overflow", null, null);

    public static WorkloadId Of(Workload workload) => new(workload.Name, workload.Kind, workload.Namespace);

    /// <summary>A text that no two of them share: neither a namespace nor a kind has a slash.</summary>
    public override string ToString() => $"{Namespace}/{Kind}/{Name}";

    /// <summary>By namespace, then name.</summary>
    public int CompareTo(WorkloadId other)
    {
        int order = string.CompareOrdinal(Namespace, other.Namespace);
        order = order != 0 ? order : string.CompareOrdinal(Name, other.Name);
        return order != 0 ? order : string.CompareOrdinal(Kind, other.Kind);
    }

    /// <summary>Whether "namespace/name" has a text in it; case does not matter.</summary>
    public bool Has(string text) => text.Length == 0 || $"{Namespace}/{Name}".Contains(text, StringComparison.OrdinalIgnoreCase);
}
