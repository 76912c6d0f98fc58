using KubeBpfBox.Core.Records;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>The columns of request_log that hold who is at each end; the name and source of the own end have columns of the first version.</summary>
internal static class WorkloadColumns
{
    public static string[] Own { get; } = ["kind", "namespace", "pod", "pod_uid", "container", "container_id", "service", "node"];

    public static string[] Peer { get; } = ["peer_workload", "peer_source", .. Own.Select(static name => "peer_" + name)];

    public static object?[] OwnValues(Workload workload) =>
        [workload.Kind, workload.Namespace, workload.Pod, workload.PodUid, workload.Container, workload.ContainerId, workload.Service, workload.Node];

    public static object?[] PeerValues(Workload workload) =>
        ReferenceEquals(workload, Workload.Unknown) ? new object?[Peer.Length] : [workload.Name, workload.Source, .. OwnValues(workload)];

    /// <summary>Makes a workload from a row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="name">Column of the name; the source's is the next.</param>
    /// <param name="rest">First of the other columns.</param>
    public static Workload Read(SqliteDataReader row, int name, int rest) => row.IsDBNull(name) ? Workload.Unknown : new Workload(row.GetString(name), row.GetString(name + 1))
    {
        Kind = row.TextOrNull(rest),
        Namespace = row.TextOrNull(rest + 1),
        Pod = row.TextOrNull(rest + 2),
        PodUid = row.TextOrNull(rest + 3),
        Container = row.TextOrNull(rest + 4),
        ContainerId = row.TextOrNull(rest + 5),
        Service = row.TextOrNull(rest + 6),
        Node = row.TextOrNull(rest + 7),
    };
}
