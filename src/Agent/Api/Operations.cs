using KubeBpfBox.Agent.Api.History;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>The one list of what is answered; openapi.json describes the same, and a test compares both.</summary>
internal static class Operations
{
    private static readonly IReadOnlyList<string> s_stepped = [.. TimeRange.Names, "points", "role", "namespace"];

    /// <summary>All operations.</summary>
    public static IEnumerable<Operation> All(ApiSources sources, CancellationToken stopping)
    {
        StatusHandlers status = new(sources);
        QueryGate gate = new(time: sources.Time);
        return
        [
            new("/healthz", null, context => StatusHandlers.HealthAsync(context, sources.Sickness()), IsOpen: true),
            new("/readyz", null, context => StatusHandlers.HealthAsync(context, sources.Sickness() ?? sources.Unreadiness(), sources.Degraded()), IsOpen: true),
            .. sources.Metrics is null ? (Operation[])[] : [new("/metrics", null, new MetricsHandler(sources.Metrics).HandleAsync, IsOpen: true)],
            new("/api/openapi.json", [], OpenApiDocument.HandleAsync),
            new("/api/status", [], status.StatusAsync),
            new("/api/ledger", [], status.LedgerAsync),
            new("/api/red", [], new RedHandler(sources.Red).HandleAsync),
            .. History(sources, gate),
            new("/api/events", EventSearch.Names, new EventSearch(sources, gate).HandleAsync),
            new("/api/transactions", TransactionSearch.Names, new TransactionSearch(sources, gate).HandleAsync),
            new("/api/transactions/stream", TransactionStream.Names, new TransactionStream(sources, stopping).HandleAsync),
        ];
    }

    private static Operation[] History(ApiSources sources, QueryGate gate)
    {
        HistoryHandlers history = new(new JoinedHistory(sources.Recent, sources.Stored, sources.Time.GetUtcNow().ToUnixTimeSeconds()), gate, sources.Time);
        return
        [
            new("/api/workloads", [.. s_stepped, "q", "sort", "order", "limit", "offset"], history.WorkloadsAsync),
            new("/api/workload", [.. s_stepped, "workload", "kind"], history.WorkloadAsync),
            new("/api/map", [.. TimeRange.Names, "namespace", "limit"], history.MapAsync),
        ];
    }
}
