using System.Diagnostics;
using KubeBpfBox.Agent.Kubernetes;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Kubernetes;

/// <summary>A fake API server and a watch of it through a kubeconfig.</summary>
internal sealed class WatchFixture : IAsyncDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private ClusterWatch? _watch;

    private WatchFixture(FakeApiServer server) => Server = server;

    public FakeApiServer Server { get; }

    public ClusterWatch Watch => _watch!;

    public ClusterState State => Watch.State;

    public ListLogger Log { get; } = new();

    public static KubernetesOptions Quick { get; } = new()
    {
        NodeName = KubeObjects.NodeName,
        MinBackoff = TimeSpan.FromMilliseconds(10),
        MaxBackoff = TimeSpan.FromMilliseconds(40),
        ForbiddenRetry = TimeSpan.FromMilliseconds(50),
        MinNodeInterval = TimeSpan.FromMilliseconds(5),
    };

    /// <summary>Starts the server; what it has is for the test to add before <see cref="Start"/>.</summary>
    public static async Task<WatchFixture> ServeAsync() => new(await FakeApiServer.StartAsync());

    public WatchFixture Start(KubernetesOptions? options = null)
    {
        string path = _folder.File("config");
        File.WriteAllText(path, $"""
            current-context: c
            contexts:
            - name: c
              context:
                cluster: k
            clusters:
            - name: k
              cluster:
                server: {Server.Url}
            """);
        _watch = ClusterWatch.Create((options ?? Quick) with { ConfigPath = path }, Log);
        _watch.Start();
        return this;
    }

    public static async Task UntilAsync(Func<bool> condition, Func<string?>? detail = null, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(condition))] string what = "")
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(10), $"waited in vain for {what}: {detail?.Invoke()}");
            await Task.Delay(2, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_watch is not null)
        {
            await _watch.DisposeAsync();
        }
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}
