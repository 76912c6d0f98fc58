using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Agent.Api;

/// <summary>Health, status and ledger.</summary>
internal sealed class StatusHandlers(ApiSources sources)
{
    private readonly long _startedMs = Environment.TickCount64;

    /// <summary>/healthz and /readyz: 200 "ok" and what is degraded, or 503 and the reason.</summary>
    public static Task HealthAsync(HttpContext context, string? trouble, IReadOnlyList<string>? degraded = null)
    {
        context.Response.StatusCode = trouble is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync((trouble ?? "ok") + "\n" + string.Concat((degraded ?? []).Select(static one => $"degraded: {one}\n")), context.RequestAborted);
    }

    /// <summary>Answers with a JSON object.</summary>
    public static Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.BodyWriter, value, type, context.RequestAborted);
    }

    public Task StatusAsync(HttpContext context)
    {
        AgentHealth health = sources.Health();
        DateTime now = sources.Time.GetUtcNow().UtcDateTime;
        long uptimeMs = Environment.TickCount64 - _startedMs;
        return WriteAsync(context, new ApiStatus
        {
            Version = ProductVersion.Version,
            Commit = ProductVersion.Commit,
            Runtime = ProductVersion.Runtime,
            Kernel = KernelRelease(),
            Node = sources.NodeName,
            Now = now,
            Started = now.AddMilliseconds(-uptimeMs),
            UptimeS = uptimeMs / 1000,
            NotReady = sources.Sickness() ?? sources.Unreadiness(),
            Degraded = sources.Degraded(),
            Hooks = [.. sources.Hooks().Select(static hook => new ApiHook(hook.Plugin, hook.Hook, hook.Attached, hook.Detail))],
            Completeness = health.Completeness,
            Watchers = sources.Hub.SubscriberCount,
            Memory = new ApiMemory(health.ResidentBytes, CgroupMemory.LimitBytes(), GC.GetTotalMemory(forceFullCollection: false)),
            CpuSeconds = Math.Round(health.CpuSeconds, 3),
            Series = new ApiUsage(health.RedSeries, sources.MaxSeries),
            Calls = new ApiUsage(sources.Calls.CallCount, sources.Calls.MaxCalls),
            History = new ApiHistory(sources.RecentWindows.WindowCount, sources.RecentWindows.Bytes, sources.RecentWindows.MaxBytes, TimeOf(sources.Recent.SinceS)),
            Store = sources.Store is { } store ? new ApiStore(store.Path, store.Bytes, store.MaxBytes, SinceOf(store)) : null,
            Sinks = Sinks(),
        }, ApiJson.Default.ApiStatus);
    }

    public Task LedgerAsync(HttpContext context)
    {
        sources.Ledger.Refresh();
        return WriteAsync(context, new ApiLedger(sources.Completeness(), [.. sources.Ledger.Stages.Select(Describe)], sources.Ledger.Notes.ToDictionary(static note => note.Name, static note => note.Counter.Value)), ApiJson.Default.ApiLedger);
    }

    private static ApiStage Describe(LedgerStage stage) => new(
        stage.Name,
        stage.Unit,
        stage.In.Value,
        stage.Out.Value,
        stage.Dropped.ToDictionary(static pair => pair.Key, static pair => pair.Value.Value),
        stage.Held?.Invoke() ?? 0,
        stage.Unaccounted);

    private List<ApiSink> Sinks()
    {
        List<ApiSink> sinks = [];
        foreach (ISink sink in sources.Sinks())
        {
            sinks.Add(new ApiSink(sink.Id, sink.Trouble, [.. sources.Ledger.Stages.Select(static stage => stage.Name).Where(name => name.StartsWith(sink.Id + "_", StringComparison.Ordinal))]));
        }
        if (sources.Metrics is not null)
        {
            sinks.Add(new ApiSink("prometheus", null, []));
        }
        return sinks;
    }

    /// <summary>A database that cannot be read is no reason not to tell the rest; the sink's trouble says why.</summary>
    private static DateTime? SinceOf(StoreFile store)
    {
        try
        {
            return TimeOf(store.SinceS);
        }
        catch (SqliteException)
        {
            return null;
        }
    }

    private static DateTime? TimeOf(long? seconds) => seconds is { } known ? DateTime.UnixEpoch.AddSeconds(known) : null;

    private static string KernelRelease()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Environment.OSVersion.Version.ToString();
        }
    }
}
