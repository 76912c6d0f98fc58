using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KubeBpfBox.Core.Accounting;
using Microsoft.AspNetCore.Http;

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

    public Task StatusAsync(HttpContext context) => WriteAsync(context, new ApiStatus(
        ProductVersion.Version,
        ProductVersion.Commit,
        ProductVersion.Runtime,
        KernelRelease(),
        sources.NodeName,
        (Environment.TickCount64 - _startedMs) / 1000,
        sources.Sickness() ?? sources.Unreadiness(),
        sources.Degraded(),
        [.. sources.Hooks().Select(static hook => new ApiHook(hook.Plugin, hook.Hook, hook.Attached, hook.Detail))],
        sources.Hub.SubscriberCount), ApiJson.Default.ApiStatus);

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
