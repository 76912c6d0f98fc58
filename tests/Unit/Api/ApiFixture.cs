using System.IO.Compression;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using KubeBpfBox.Agent.Api;
using KubeBpfBox.Agent.Pipeline;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Sinks.Prometheus;
using KubeBpfBox.Sinks.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace KubeBpfBox.Unit.Api;

/// <summary>A real host on a free port, with a hub that the test feeds.</summary>
internal sealed class ApiFixture : IAsyncDisposable
{
    public const string Token = "0123456789abcdef-token";

    private ApiHost? _host;

    public Ledger Ledger { get; } = new();

    public LiveHub Hub { get; }

    public List<RedSeriesSnapshot> Red { get; } = [];

    public RedTable Table { get; } = new();

    public string? Unreadiness { get; set; }

    public List<string> Degraded { get; } = [];

    public HttpClient Client { get; } = new(new SocketsHttpHandler { UseProxy = false });

    public IPEndPoint EndPoint => _host!.EndPoint;

    /// <summary>Where it listens on all addresses: one that is not loopback, as others reach it.</summary>
    public Uri Url => new($"http://{(EndPoint.Address.Equals(IPAddress.Any) ? OwnAddress() : EndPoint.Address)}:{EndPoint.Port}");

    public string? LogPath { get; init; }

    public TestHistory Recent { get; } = new();

    public TestHistory? Stored { get; init; }

    public List<ISink> Sinks { get; } = [];

    /// <summary>The page's files: path without the slash, and content.</summary>
    public Dictionary<string, byte[]> Page { get; } = [];

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public ApiFixture(int hubCapacity = 4096) => Hub = new LiveHub(Ledger, hubCapacity);

    public async Task StartAsync(string listen = "127.0.0.1:0")
    {
        _host = await ApiHost.StartAsync(ListenAddress.Parse(listen), Token, Sources(), NullLoggerFactory.Instance);
        Client.BaseAddress ??= Url;
    }

    public async Task StopAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
            _host = null;
        }
    }

    public async Task UntilWatchedAsync(int watchers = 1)
    {
        while (Hub.SubscriberCount < watchers)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Client.Dispose();
    }

    private static IPAddress OwnAddress() => NetworkInterface.GetAllNetworkInterfaces()
        .SelectMany(static one => one.GetIPProperties().UnicastAddresses)
        .Select(static one => one.Address)
        .First(static address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address));

    private static byte[] Packed(byte[] content)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.SmallestSize))
        {
            gzip.Write(content);
        }
        return packed.ToArray();
    }

    /// <summary>What the host shows.</summary>
    public ApiSources Sources() => new()
    {
        Hub = Hub,
        Ledger = Ledger,
        Completeness = static () => 0.5,
        Red = () => Red,
        Hooks = static () => [new HookStatus("traffic", "cgroup_skb/ingress", true, "/sys/fs/cgroup")],
        Sickness = static () => null,
        Unreadiness = () => Unreadiness,
        Degraded = () => Degraded,
        Log = LogPath is null ? null : new RequestLogReader(LogPath),
        Events = LogPath is null ? null : new EventReader(LogPath),
        Metrics = new PrometheusSink(new PrometheusSources { Red = Table, Ledger = Ledger, Health = static () => new AgentHealth(0.5, 1, 1, 1, 1, "1") }),
        NodeName = "node-1",
        Health = static () => AgentHealth.Read(0.5, 1, "1"),
        Calls = new CallTable(Table, 100),
        MaxSeries = Table.MaxSeries,
        Recent = Recent,
        RecentWindows = new RecentHistory(),
        Store = LogPath is null ? null : new StoreFile(LogPath, 1 << 20),
        Sinks = () => Sinks,
        Stored = Stored,
        Time = Time,
        Page = new PageFiles(Page.Keys.Select(static path => $"web/{path}.gz"), name => new MemoryStream(Packed(Page[name[4..^3]]))),
    };
}
