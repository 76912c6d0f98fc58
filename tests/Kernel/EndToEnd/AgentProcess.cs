using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>The agent as users start it: a process, watched from outside.</summary>
/// <remarks>Lifetime: <see cref="Dispose"/> ends it. Everything it writes is below a folder of its own, unless told otherwise.</remarks>
internal sealed class AgentProcess : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly NetworkNamespace? _network;
    private readonly HttpClient _http;

    /// <summary>Starts an agent and waits until it captures.</summary>
    /// <param name="cgroup">Whose sockets it watches; null for all.</param>
    /// <param name="settings">KEY=VALUE each.</param>
    public AgentProcess(string? cgroup, params IEnumerable<string> settings)
        : this(null, cgroup, isReadyAtOnce: true, settings)
    {
    }

    /// <summary>Starts an agent in a network namespace.</summary>
    /// <param name="network">Where; null for ours.</param>
    /// <param name="cgroup">Whose sockets it watches; null for all.</param>
    /// <param name="isReadyAtOnce">False: it is not waited for until it captures, only until it answers.</param>
    /// <param name="settings">KEY=VALUE each.</param>
    public AgentProcess(NetworkNamespace? network, string? cgroup, bool isReadyAtOnce, params IEnumerable<string> settings)
    {
        _network = network;
        _http = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero, ConnectCallback = ConnectAsync }) { Timeout = TimeSpan.FromSeconds(20) };
        Port = TcpPort.Free();
        Database = _folder.PathOf("agent.db");
        Process = Start(Arguments(Port, Database, cgroup, settings));
        try
        {
            Until(() => Health("/readyz") is { } health && (health.IsGood || !isReadyAtOnce), "readiness");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The built program: beside the tests' own folder.</summary>
    public static string Program { get; } = FindProgram();

    public ChildProcess Process { get; }

    public int Port { get; }

    public string Database { get; }

    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>What the command line of such an agent is.</summary>
    public static IEnumerable<string> Arguments(int port, string database, string? cgroup, params IEnumerable<string> settings)
    {
        List<string> all = [$"api.listen=127.0.0.1:{port}", $"sinks.sqlite.path={database}", .. settings];
        if (cgroup is not null)
        {
            all.Add($"plugins.traffic.cgroup_path={cgroup}");
        }
        return ["run", .. all.SelectMany(static setting => (string[])["--set", setting])];
    }

    /// <summary>Runs the program to its end.</summary>
    public static (int ExitCode, string Output, string Errors) Run(params IEnumerable<string> arguments)
    {
        using ChildProcess child = ChildProcess.Start(Program, arguments);
        child.WaitForExit(TimeSpan.FromSeconds(30));
        return (child.ExitCode, child.Output, child.Errors);
    }

    public ChildProcess Observe(params IEnumerable<string> arguments)
    {
        int before = Watchers();
        ChildProcess observer = Start(["observe", "--server", Url, .. arguments]);
        observer.WaitUntil(() => Watchers() > before, "a subscription", TimeSpan.FromSeconds(20));
        return observer;
    }

    public int Watchers() => Get("/api/status").GetProperty("watchers").GetInt32();

    public JsonElement Get(string path)
    {
        using HttpResponseMessage response = _http.GetAsync(Url + path).GetAwaiter().GetResult();
        using JsonDocument document = JsonDocument.Parse(response.Content.ReadAsStringAsync().GetAwaiter().GetResult());
        return document.RootElement.Clone();
    }

    /// <summary>Ends it as an operator would.</summary>
    /// <returns>The exit code.</returns>
    public int Stop(int signal = 15)
    {
        Process.Signal(signal);
        Process.WaitForExit(TimeSpan.FromSeconds(20));
        return Process.ExitCode;
    }

    public LedgerView Ledger() => new(Get("/api/ledger"));

    /// <summary>Waits until nothing moves any more, and asserts that every stage accounts for all that came in.</summary>
    public LedgerView LedgerAtRest()
    {
        LedgerView last = Ledger();
        Process.WaitUntil(
            () =>
            {
                LedgerView now = Ledger();
                bool isQuiet = now.Text == last.Text && now.Stages.All(static stage => stage.Unaccounted == 0);
                last = now;
                Thread.Sleep(isQuiet ? 0 : 100);
                return isQuiet;
            },
            "ledger at rest with nothing unaccounted: " + last.Text,
            TimeSpan.FromSeconds(20));
        return last;
    }

    /// <summary>Transactions of all series of a role.</summary>
    public long Counted(string role, string? method = null) => Series()
        .Where(series => series.GetProperty("role").GetString() == role && (method is null || series.GetProperty("method").GetString() == method))
        .Sum(static series => series.GetProperty("requests").GetInt64());

    public IReadOnlyList<JsonElement> Series() => [.. Get("/api/red").GetProperty("series").EnumerateArray()];

    public void Until(Func<bool> condition, string what) => Process.WaitUntil(condition, what, TimeSpan.FromSeconds(20));

    public void Dispose()
    {
        Process.Dispose();
        _http.Dispose();
        _folder.Dispose();
    }

    /// <summary>What /healthz or /readyz says; null while nobody answers.</summary>
    public (bool IsGood, string Text)? Health(string path)
    {
        try
        {
            using HttpResponseMessage response = _http.GetAsync(Url + path).GetAwaiter().GetResult();
            return (response.IsSuccessStatusCode, response.Content.ReadAsStringAsync().GetAwaiter().GetResult());
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static string FindProgram()
    {
        // .../artifacts/bin/Kernel/CONFIGURATION/
        DirectoryInfo own = new(AppContext.BaseDirectory.TrimEnd('/'));
        string path = Path.Combine(own.Parent!.Parent!.FullName, "Agent", own.Name, "kubebpfbox");
        return File.Exists(path) ? path : throw new InvalidOperationException($"{path} is missing: build the solution");
    }

    /// <summary>A process is where the thread is that starts it.</summary>
    private ChildProcess Start(IEnumerable<string> arguments) =>
        _network is null ? ChildProcess.Start(Program, arguments) : _network.Enter(() => ChildProcess.Start(Program, arguments));

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken stop)
    {
        Socket Make() => new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Socket socket = _network is null ? Make() : _network.Enter(Make);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, stop).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>/api/ledger.</summary>
internal sealed class LedgerView
{
    public LedgerView(JsonElement json)
    {
        Completeness = json.GetProperty("completeness").GetDouble();
        Stages = [.. json.GetProperty("stages").EnumerateArray().Select(static stage => new StageView(stage))];
        Text = string.Create(CultureInfo.InvariantCulture, $"{json}");
    }

    public double Completeness { get; }

    public IReadOnlyList<StageView> Stages { get; }

    public string Text { get; }

    public StageView this[string stage] => Stages.Single(one => one.Name == stage);
}

/// <summary>One stage of it.</summary>
internal sealed class StageView(JsonElement json)
{
    public string Name { get; } = json.GetProperty("name").GetString()!;

    public long In { get; } = json.GetProperty("in").GetInt64();

    public long Out { get; } = json.GetProperty("out").GetInt64();

    public long Unaccounted { get; } = json.GetProperty("unaccounted").GetInt64();

    public long Dropped(string reason) => json.GetProperty("dropped").GetProperty(reason).GetInt64();
}
