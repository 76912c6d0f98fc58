using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench;

/// <summary>The agent under test: `run --quiet` with a port and a database of its own.</summary>
internal sealed class AgentProcess : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http;
    private readonly ChildProcess _process;

    /// <summary>Starts it and waits until it is ready.</summary>
    public AgentProcess(BenchOptions options, CancellationToken stop)
    {
        if (!File.Exists(options.AgentPath))
        {
            _folder.Dispose();
            throw new InvalidOperationException($"{options.AgentPath} is not there: make build, or name it with --agent");
        }
        int port = TcpPort.Free();
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(20) };
        List<string> arguments = ["run", "--quiet", "--set", $"api.listen=127.0.0.1:{port}", "--set", $"sinks.sqlite.path={_folder.PathOf("kubebpfbox.db")}"];
        foreach (string setting in options.CgroupPath is null ? options.Settings : [$"plugins.traffic.cgroup_path={options.CgroupPath}", .. options.Settings])
        {
            arguments.AddRange(["--set", setting]);
        }
        _process = ChildProcess.Start(options.AgentPath, arguments);
        try
        {
            _process.WaitUntil(() => IsReady(stop), "readiness (/readyz)", TimeSpan.FromSeconds(15));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Id => _process.Id;

    /// <summary>Where its page is.</summary>
    public Uri Address => _http.BaseAddress!;

    public bool IsAlive => !_process.HasExited;

    public string Messages => _process.Errors;

    public TimeSpan CpuTime => _process.CpuTime;

    public long Kib(string field) => _process.StatusKib(field);

    /// <summary>Requests of a role ("server" or "client") that the agent counted, but for those to itself and to nginx's status page.</summary>
    public long RequestsSeen(string role)
    {
        string prefix = $"http_{role}_request_duration_seconds_count{{";
        double sum = 0;
        foreach (string line in Get("/metrics").Split('\n'))
        {
            if (line.StartsWith(prefix, StringComparison.Ordinal) && !OwnRoutes.Any(route => line.Contains($"http_route=\"{route}\"", StringComparison.Ordinal)))
            {
                sum += double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
            }
        }
        return (long)sum;
    }

    /// <summary>Waits until the agent counts no more requests.</summary>
    public (long Server, long Client) DrainedRequests(CancellationToken stop)
    {
        (long, long) last = (-1, -1);
        for (int i = 0; i < 40; i++)
        {
            (long, long) now = (RequestsSeen("server"), RequestsSeen("client"));
            if (now == last)
            {
                break;
            }
            last = now;
            Pause(TimeSpan.FromMilliseconds(500), stop);
        }
        return last;
    }

    /// <summary>/api/ledger.</summary>
    public LedgerReport ReadLedger()
    {
        using JsonDocument json = JsonDocument.Parse(Get("/api/ledger"));
        List<StageReport> stages = [];
        foreach (JsonElement stage in json.RootElement.GetProperty("stages").EnumerateArray())
        {
            stages.Add(new StageReport(
                stage.GetProperty("name").GetString()!,
                stage.GetProperty("unit").GetString()!,
                stage.GetProperty("in").GetInt64(),
                stage.GetProperty("out").GetInt64(),
                stage.GetProperty("dropped").EnumerateObject().Select(static p => KeyValuePair.Create(p.Name, p.Value.GetInt64())).Where(static p => p.Value != 0).ToList(),
                stage.GetProperty("held").GetInt64(),
                stage.GetProperty("unaccounted").GetInt64()));
        }
        return new LedgerReport(json.RootElement.GetProperty("completeness").GetDouble(), stages);
    }

    /// <summary>Ends it as a crash would.</summary>
    public void Kill()
    {
        _process.Signal(9);
        _process.WaitForExit(TimeSpan.FromSeconds(10));
    }

    /// <summary>Ends it as an operator would.</summary>
    public void Terminate() => _process.Stop(TimeSpan.FromSeconds(30));

    public static void Pause(TimeSpan time, CancellationToken stop)
    {
        stop.WaitHandle.WaitOne(time);
        stop.ThrowIfCancellationRequested();
    }

    public void Dispose()
    {
        _process?.Dispose();
        _http?.Dispose();
        _folder.Dispose();
    }

    private static readonly string[] OwnRoutes = ["/metrics", "/status", "/readyz", "/healthz", "/api/ledger"];

    private string Get(string path) => _http.GetStringAsync(new Uri(path, UriKind.Relative)).GetAwaiter().GetResult();

    private bool IsReady(CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        try
        {
            return _http.GetAsync(new Uri("/readyz", UriKind.Relative), stop).GetAwaiter().GetResult().IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}

/// <summary>What /api/ledger says.</summary>
internal sealed record LedgerReport(double Completeness, IReadOnlyList<StageReport> Stages)
{
    public void Print(string title)
    {
        Table table = new("stage", "unit", "in", "out", "held", "unaccounted", "dropped");
        foreach (StageReport stage in Stages)
        {
            table.Add(stage.Name, stage.Unit, stage.In.Text(), stage.Out.Text(), stage.Held.Text(), stage.Unaccounted.Text(), string.Join(", ", stage.Dropped.Select(static d => $"{d.Key} {d.Value.Text()}")));
        }
        table.Print($"{title}; completeness {Completeness.Text(4)}");
    }
}

/// <summary>One stage of it.</summary>
internal sealed record StageReport(string Name, string Unit, long In, long Out, IReadOnlyList<KeyValuePair<string, long>> Dropped, long Held, long Unaccounted);
