using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using KubeBpfBox.Agent.Kubernetes.Connection;
using KubeBpfBox.Agent.Kubernetes.Objects;

namespace KubeBpfBox.Agent.Kubernetes.Watching;

/// <summary>
/// Lists nodes at start and every few minutes, and a single one when it is met and not known. They are not watched: each reports every few
/// seconds, and nothing of that matters here.
/// </summary>
internal sealed class NodeLister(ApiClient client, WatchHealth health, KubernetesOptions options, TimeProvider time)
{
    private readonly Backoff _backoff = new(options.MinBackoff, options.MaxBackoff);
    private readonly Channel<string> _unknown = Channel.CreateBounded<string>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>An unknown node was met. Returns at once.</summary>
    public void Want(string node) => _unknown.Writer.TryWrite(node);

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(ClusterState state, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                state.Replace(await ListAsync(string.Empty, cancellation).ConfigureAwait(false));
                health.Succeed();
                _backoff.Reset();
                await ListUnknownAsync(state, Jitter.Around(options.NodeInterval), cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                ApiException failure = client.Explain(e);
                health.Fail(failure);
                TimeSpan wait = failure.Status == HttpStatusCode.Forbidden ? Jitter.Around(options.ForbiddenRetry) : _backoff.Next();
                wait = failure.RetryAfter > wait ? failure.RetryAfter : wait;
                await Task.Delay(wait, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Lists nodes that are met, one at a time, until all are due again. A list with a field selector needs no further permission, and is small.</summary>
    private async Task ListUnknownAsync(ClusterState state, TimeSpan longest, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = new(longest, time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            await foreach (string node in _unknown.Reader.ReadAllAsync(both.Token).ConfigureAwait(false))
            {
                state.Add(await ListAsync($"&fieldSelector=metadata.name%3D{Uri.EscapeDataString(node)}", cancellation).ConfigureAwait(false));
                await Task.Delay(options.MinNodeInterval, time, both.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            // Time for all of them.
        }
    }

    private async Task<List<Node>> ListAsync(string selector, CancellationToken cancellation)
    {
        List<Node> nodes = [];
        string start = $"/api/v1/nodes?limit={options.PageSize}{selector}";
        string query = start + "&resourceVersion=0";
        while (true)
        {
            ListMeta page = await client.ReadAsync(query, ReadPageAsync, cancellation).ConfigureAwait(false);
            if (string.IsNullOrEmpty(page.Continue))
            {
                return nodes;
            }
            query = $"{start}&continue={Uri.EscapeDataString(page.Continue)}";
        }

        async Task<ListMeta> ReadPageAsync(Stream stream, CancellationToken token)
        {
            ObjectList<Node>? list = await JsonSerializer.DeserializeAsync(stream, KubernetesJson.Default.ObjectListNode, token).ConfigureAwait(false);
            nodes.AddRange((list?.Items ?? []).OfType<Node>());
            return list?.Metadata ?? throw new JsonException("the answer is no list");
        }
    }
}
