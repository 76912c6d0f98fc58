using System.Diagnostics.CodeAnalysis;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>Both ends of a call as a transaction tells them: any of the workloads that share the names.</summary>
internal readonly record struct CallEnds(Workload Source, Workload Destination, string Role, string Protocol);

/// <summary>What tells calls apart: name, kind and namespace of both ends, role and protocol.</summary>
internal sealed class CallIdentity : IEqualityComparer<CallKey>, IAlternateEqualityComparer<CallEnds, CallKey>
{
    public static CallIdentity Instance { get; } = new();

    public bool Equals(CallKey? x, CallKey? y) =>
        ReferenceEquals(x, y) || (x is not null && y is not null && x.IsOverflow == y.IsOverflow && Equals(EndsOf(x), y));

    public int GetHashCode([DisallowNull] CallKey obj) => GetHashCode(EndsOf(obj));

    public bool Equals(CallEnds alternate, CallKey other) => AreSame(alternate.Source, other.Source) && AreSame(alternate.Destination, other.Destination)
        && alternate.Role == other.Role && alternate.Protocol == other.Protocol;

    public int GetHashCode(CallEnds alternate) => HashCode.Combine(alternate.Source.Name, alternate.Source.Namespace, alternate.Destination.Name,
        alternate.Destination.Namespace, alternate.Role, alternate.Protocol);

    /// <summary>A key that keeps no pod: neither its name nor its lifetime is part of a call.</summary>
    public CallKey Create(CallEnds alternate) => new(Trim(alternate.Source), Trim(alternate.Destination), alternate.Role, alternate.Protocol, IsOverflow: false);

    private static Workload Trim(Workload workload) => new(workload.Name, workload.Source) { Kind = workload.Kind, Namespace = workload.Namespace };

    private static CallEnds EndsOf(CallKey key) => new(key.Source, key.Destination, key.Role, key.Protocol);

    private static bool AreSame(Workload one, Workload other) =>
        ReferenceEquals(one, other) || (one.Name == other.Name && one.Namespace == other.Namespace && one.Kind == other.Kind);
}
