using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KubeBpfBox.Agent.Live;

namespace KubeBpfBox.Agent.Top;

/// <summary>What is to be shown: of the node, of all workloads or of one.</summary>
/// <param name="Query">What was asked.</param>
/// <param name="Status">Of the agent.</param>
/// <param name="Workloads">The table; null while one workload is looked at.</param>
/// <param name="Detail">One workload; null otherwise.</param>
internal sealed record TopData(TopQuery Query, TopStatus Status, TopWorkloads? Workloads, TopDetail? Detail);

/// <summary>One workload.</summary>
/// <param name="Who">Which.</param>
/// <param name="Workload">Its figures.</param>
/// <param name="Events">Its events; null when the agent keeps none.</param>
internal sealed record TopDetail(TopWorkloadRef Who, TopWorkload Workload, TopEvents? Events);

/// <summary>Asks an agent for what <c>top</c> shows.</summary>
/// <remarks>Errors: <see cref="AgentException"/> when asking again is of no use; others as of <see cref="AgentConnection.IsPassing"/>.</remarks>
internal sealed class TopClient(Uri agent, string? token) : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly AgentConnection _agent = new(agent, token);

    /// <summary>Why a question went wrong, as an error that ends the program at its start.</summary>
    public AgentException NoAnswer(Exception e) => _agent.NoAnswer(AgentConnection.Reason(e));

    /// <summary>The table.</summary>
    public async Task<TopData> WorkloadsAsync(TopQuery query, int limit, int points, CancellationToken stop)
    {
        Task<TopStatus> status = StatusAsync(stop);
        Task<TopWorkloads> workloads = GetAsync(query.ToWorkloads(limit, points), TopJson.Default.TopWorkloads, stop);
        await Task.WhenAll(status, workloads).ConfigureAwait(false);
        return new TopData(query, await status.ConfigureAwait(false), await workloads.ConfigureAwait(false), null);
    }

    /// <summary>One workload.</summary>
    public async Task<TopData> WorkloadAsync(TopQuery query, TopWorkloadRef who, int points, CancellationToken stop)
    {
        TopStatus status = await StatusAsync(stop).ConfigureAwait(false);
        TopWorkload workload = await GetAsync(query.ToWorkload(who, points), TopJson.Default.TopWorkload, stop).ConfigureAwait(false);
        TopEvents? events = null;
        try
        {
            events = await GetAsync(query.ToEvents(who), TopJson.Default.TopEvents, stop).ConfigureAwait(false);
        }
        catch (AgentException)
        {
            // 404: this agent keeps no events.
        }
        return new TopData(query, status, null, new TopDetail(who, workload, events));
    }

    /// <summary>The table as the agent wrote it, each workload for itself.</summary>
    public async Task<IReadOnlyList<JsonElement>> RawWorkloadsAsync(TopQuery query, int limit, int points, CancellationToken stop)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(stop);
        late.CancelAfter(s_patience);
        using HttpResponseMessage response = await _agent.GetAsync(query.ToWorkloads(limit, points), "application/json", late.Token).ConfigureAwait(false);
        await using Stream body = await response.Content.ReadAsStreamAsync(late.Token).ConfigureAwait(false);
        using JsonDocument document = await JsonDocument.ParseAsync(body, default, late.Token).ConfigureAwait(false);
        return [.. document.RootElement.GetProperty("workloads").EnumerateArray().Select(static row => row.Clone())];
    }

    public void Dispose() => _agent.Dispose();

    private Task<TopStatus> StatusAsync(CancellationToken stop) => GetAsync("/api/status", TopJson.Default.TopStatus, stop);

    private async Task<T> GetAsync<T>(string pathAndQuery, JsonTypeInfo<T> type, CancellationToken stop)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(stop);
        late.CancelAfter(s_patience);
        using HttpResponseMessage response = await _agent.GetAsync(pathAndQuery, "application/json", late.Token).ConfigureAwait(false);
        await using Stream body = await response.Content.ReadAsStreamAsync(late.Token).ConfigureAwait(false);
        try
        {
            return await JsonSerializer.DeserializeAsync(body, type, late.Token).ConfigureAwait(false) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new AgentException($"{_agent.Agent} answers what cannot be read to {pathAndQuery.Split('?')[0]} ({e.Message}); is that a kubebpfbox agent of this version?");
        }
    }
}
