using System.Globalization;
using System.Net;
using System.Text.Json;
using KubeBpfBox.Agent.Kubernetes.Connection;
using KubeBpfBox.Agent.Kubernetes.Objects;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Kubernetes.Watching;

/// <summary>Keeps one kind of object up to date: a list, then a watch from where the list stood, again and again.</summary>
/// <remarks>
/// The first list asks with resourceVersion=0, which the server answers from its cache; only after "410 Gone" is a list asked for that is
/// current for sure, because the cache may be older than what is known here.
/// Source: https://kubernetes.io/docs/reference/using-api/api-concepts/, client-go's tools/cache/reflector.go.
/// </remarks>
/// <param name="client">Asks the server.</param>
/// <param name="candidates">Where the objects may be: servers of other versions have them elsewhere. The first that exists is taken.</param>
/// <param name="health">Told how it goes.</param>
/// <param name="options">How patiently.</param>
/// <param name="isNeeded">False for what can be done without: a refusal is then not asked again soon.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Where messages go.</param>
internal sealed class Reflector(
    ApiClient client, WatchedResource[] candidates, WatchHealth health, KubernetesOptions options, bool isNeeded, TimeProvider time, ILogger logger)
{
    private readonly Backoff _backoff = new(options.MinBackoff, options.MaxBackoff);
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _candidate;
    private string? _version;
    private bool _needsCurrentList;
    private bool _hasTold;
    private bool _hasWarnedOfLength;

    /// <summary>Completes with the first list.</summary>
    public Task Synced => _synced.Task;

    private WatchedResource Resource => candidates[_candidate];

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await RunOnceAsync(cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                await RecoverAsync(client.Explain(e), cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task RunOnceAsync(CancellationToken cancellation)
    {
        if (_version is null)
        {
            await ListAsync(cancellation).ConfigureAwait(false);
            health.Succeed();
            _synced.TrySetResult();
        }
        await WatchAsync(cancellation).ConfigureAwait(false);
    }

    private async Task RecoverAsync(ApiException failure, CancellationToken cancellation)
    {
        TimeSpan wait = _backoff.Next();
        switch (failure.Status)
        {
            case HttpStatusCode.Gone:
                _version = null;
                _needsCurrentList = true;
                break;
            case HttpStatusCode.NotFound when candidates.Length > 1:
                _candidate = (_candidate + 1) % candidates.Length;
                _version = null;
                if (_candidate != 0)
                {
                    return;
                }
                health.Fail(failure);
                break;
            case HttpStatusCode.Forbidden when !isNeeded:
                wait = Jitter.Around(options.ForbiddenRetry);
                health.Fail(failure);
                break;
            default:
                health.Fail(failure);
                break;
        }
        wait = failure.RetryAfter > wait ? failure.RetryAfter : wait;
        await Task.Delay(wait, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ListAsync(CancellationToken cancellation)
    {
        string start = $"{Resource.Path}?limit={options.PageSize}{Resource.Selector}";
        string query = _needsCurrentList ? start : start + "&resourceVersion=0";
        Resource.StartList();
        ListMeta page;
        while (true)
        {
            page = await client.ReadAsync(query, Resource.ReadPageAsync, cancellation).ConfigureAwait(false);
            if (string.IsNullOrEmpty(page.Continue))
            {
                break;
            }
            query = $"{start}&continue={Uri.EscapeDataString(page.Continue)}";
        }
        Resource.FinishList();
        _version = page.ResourceVersion ?? throw new JsonException("the list has no resourceVersion");
        _needsCurrentList = false;
    }

    private async Task WatchAsync(CancellationToken cancellation)
    {
        TimeSpan duration = Jitter.UpToTwice(options.WatchDuration);
        string query = string.Create(CultureInfo.InvariantCulture,
            $"{Resource.Path}?watch=true&allowWatchBookmarks=true&resourceVersion={Uri.EscapeDataString(_version!)}&timeoutSeconds={Math.Max(1, (int)duration.TotalSeconds)}{Resource.Selector}");
        long started = time.GetTimestamp();
        _hasTold = false;
        bool isOpen = false;
        // The server ends it; only one that is dead or does not keep to what it was asked is cut.
        using CancellationTokenSource limit = new(duration + options.RequestTimeout, time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using HttpResponseMessage response = await client.GetAsync(query, both.Token).ConfigureAwait(false);
            health.Succeed();
            isOpen = true;
            Stream stream = await response.Content.ReadAsStreamAsync(both.Token).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                await FollowAsync(stream, both.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            _hasTold = true;
        }
        catch (Exception e) when (isOpen && !IsShort(started) && e is IOException or HttpRequestException or ObjectDisposedException)
        {
            // A server that restarts breaks watches off. Whether that is a trouble shows with the next request.
            logger.LogDebug("Kubernetes: the watch of {What} broke off: {Reason}", health.What, e.Message);
            await Task.Delay(Jitter.Around(options.MinBackoff), time, cancellation).ConfigureAwait(false);
        }
        if (IsShort(started))
        {
            throw new ApiException("the server ended the watch at once", "see whether a proxy between the agent and the API server cuts long answers");
        }
        _backoff.Reset();
    }

    /// <summary>True for a watch that was of no use; asking for the next one at once could go on for ever.</summary>
    private bool IsShort(long started) => !_hasTold && time.GetElapsedTime(started) < options.ShortestWatch;

    /// <summary>Does what the stream tells, to its end.</summary>
    private async Task FollowAsync(Stream stream, CancellationToken cancellation)
    {
        using LineReader lines = new(stream, options.MaxObjectBytes);
        while (true)
        {
            switch (await lines.ReadAsync(cancellation).ConfigureAwait(false))
            {
                case LineStatus.End:
                    return;
                case LineStatus.TooLong:
                    WarnOfLength();
                    break;
                case LineStatus.Line when lines.Line.Length > 0:
                    Take(lines.Line.Span);
                    break;
            }
            _hasTold = true;
            _backoff.Reset();
        }
    }

    private void Take(ReadOnlySpan<byte> line)
    {
        if (!WatchLine.TryRead(line, out WatchKind kind, out ReadOnlySpan<byte> @object))
        {
            // What it would have told is lost, so all is asked for anew.
            _version = null;
            throw new ApiException("the watch told something that is no JSON", "see whether a proxy between the agent and the API server changes answers");
        }
        if (kind == WatchKind.Other)
        {
            return;
        }
        if (kind == WatchKind.Error)
        {
            throw ApiException.FromStatus(JsonSerializer.Deserialize(@object, KubernetesJson.Default.Status));
        }
        try
        {
            _version = Resource.Apply(kind, @object) ?? _version;
        }
        catch (JsonException)
        {
            _version = null;
            throw;
        }
    }

    private void WarnOfLength()
    {
        if (!_hasWarnedOfLength)
        {
            _hasWarnedOfLength = true;
            logger.LogWarning("Kubernetes: a change among {What} was passed over: it is larger than {Bytes} bytes", health.What, options.MaxObjectBytes);
        }
    }
}
