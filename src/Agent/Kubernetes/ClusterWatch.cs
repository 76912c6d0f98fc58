using KubeBpfBox.Agent.Kubernetes.Connection;
using KubeBpfBox.Agent.Kubernetes.Watching;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Kubernetes;

/// <summary>Keeps <see cref="State"/> up to date from the API server, in the background.</summary>
/// <remarks>
/// Threads: any. Errors: only <see cref="Create"/> throws; afterwards what is known stays in use, and <see cref="Trouble"/> tells what is
/// wrong until it works again.
/// </remarks>
internal sealed class ClusterWatch : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ApiClient _client;
    private readonly TimeProvider _time;
    private readonly KubernetesOptions _options;
    private readonly Reflector _pods;
    private readonly Reflector _services;
    private readonly Reflector _endpoints;
    private readonly NodeLister _nodes;
    private readonly JobOwners _jobs;
    private readonly WatchHealth[] _health;
    private Task _running = Task.CompletedTask;

    private ClusterWatch(ApiServer server, KubernetesOptions options, ILogger logger, TimeProvider time)
    {
        _options = options;
        _time = time;
        _client = new ApiClient(server, options, time);
        _health =
        [
            new WatchHealth("pods", "containers stay without a pod", time, logger),
            new WatchHealth("services", "addresses of Services stay unnamed", time, logger),
            new WatchHealth("endpointslices", "pods of other nodes stay unnamed", time, logger),
            new WatchHealth("nodes", "addresses of nodes stay unnamed", time, logger),
        ];
        _nodes = new NodeLister(_client, _health[3], options, time);
        _jobs = new JobOwners(_client, logger);
        State = new ClusterState(options, time) { JobMet = _jobs.Want, UnknownNodeMet = _nodes.Want };
        ClusterResources resources = new(State, options.NodeName);
        _pods = new Reflector(_client, [resources.Pods], _health[0], options, true, time, logger);
        _services = new Reflector(_client, [resources.Services], _health[1], options, false, time, logger);
        _endpoints = new Reflector(_client, resources.Endpoints, _health[2], options, false, time, logger);
    }

    /// <summary>What is known.</summary>
    public ClusterState State { get; }

    /// <summary>True once the first list of pods is there.</summary>
    public bool HasSynced => _pods.Synced.IsCompleted;

    /// <summary>Address of the API server.</summary>
    public Uri Server => _client.Server.Url;

    /// <summary>One line: what cannot be asked for since when, why, and what to do; null when all is well.</summary>
    public string? Trouble => Describe(_health);

    /// <summary>The same for the pods alone. Services, endpoints and nodes may be forbidden for good, which is no reason to be unready.</summary>
    public string? PodTrouble => Describe(_health.AsSpan(0, 1));

    /// <summary>Reads the kubeconfig or finds the service account. Asks nobody yet.</summary>
    /// <exception cref="AgentException">It is unusable; names file and key.</exception>
    public static ClusterWatch Create(KubernetesOptions options, ILogger logger, TimeProvider? time = null)
    {
        TimeProvider clock = time ?? TimeProvider.System;
        ApiServer server = options switch
        {
            { ConfigPath: { } path } => Kubeconfig.Open(path, clock),
            { InCluster: true } => ServiceAccount.Open(options),
            _ => throw new AgentException("Kubernetes: neither a kubeconfig is given, nor is the pod's service account to be used"),
        };
        return new ClusterWatch(server, options, logger, clock);
    }

    /// <summary>Begins to list and watch.</summary>
    public void Start() => _running = Task.WhenAll(
    [
        Task.Run(() => _pods.RunAsync(_stopping.Token)),
        Task.Run(() => _services.RunAsync(_stopping.Token)),
        Task.Run(() => _endpoints.RunAsync(_stopping.Token)),
        Task.Run(() => _nodes.RunAsync(State, _stopping.Token)),
        Task.Run(() => _jobs.RunAsync(State, _stopping.Token)),
        Task.Run(SweepAsync),
        Task.Run(CompleteAsync),
    ]);

    /// <summary>Waits for the first list of pods.</summary>
    /// <returns>False when it did not come in time.</returns>
    public async Task<bool> WaitForPodsAsync(TimeSpan timeout)
    {
        await Task.WhenAny(_pods.Synced, Task.Delay(timeout, _time, _stopping.Token)).ConfigureAwait(false);
        return HasSynced;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _client.Dispose();
        _client.Server.Credentials.Dispose();
        _stopping.Dispose();
    }

    private async Task CompleteAsync()
    {
        await Task.WhenAll(_pods.Synced, _services.Synced, _endpoints.Synced).WaitAsync(_stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_stopping.IsCancellationRequested)
        {
            State.Complete();
        }
    }

    private async Task SweepAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            await Task.Delay(_options.TombstoneAge / 10, _time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            State.Sweep();
        }
    }

    /// <summary>What fails for the same reason is told once.</summary>
    private static string? Describe(ReadOnlySpan<WatchHealth> all)
    {
        List<(string What, Trouble Trouble)> troubles = [];
        foreach (WatchHealth health in all)
        {
            if (health.Trouble is not { } trouble)
            {
                continue;
            }
            int same = troubles.FindIndex(other => other.Trouble.Failure.Message == trouble.Failure.Message);
            if (same < 0)
            {
                troubles.Add((health.What, trouble));
            }
            else
            {
                DateTimeOffset since = trouble.Since < troubles[same].Trouble.Since ? trouble.Since : troubles[same].Trouble.Since;
                troubles[same] = ($"{troubles[same].What}, {health.What}", trouble with { Since = since });
            }
        }
        return troubles.Count == 0
            ? null
            : "Kubernetes: " + string.Join("; ", troubles.Select(static entry =>
                $"{entry.What} not up to date since {entry.Trouble.Since.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}: {entry.Trouble.Failure.Message}; {entry.Trouble.Failure.Advice}"));
    }
}
