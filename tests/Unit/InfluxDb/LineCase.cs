using System.Net;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Sinks.InfluxDb;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.InfluxDb;

/// <summary>One case of sinks/influxdb/testcases: what the sink is passed, in order.</summary>
/// <remarks>Shape: see sinks/influxdb/testcases/README.md.</remarks>
internal static class LineCase
{
    private static readonly Dictionary<string, Workload> s_workloads = [];

    public static string Folder { get; } = Path.Combine(Repository.Root, "sinks", "influxdb", "testcases");

    public static IEnumerable<string> Names => Directory.GetDirectories(Folder).Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    /// <summary>The lines that are sent: requests, events, then the rest, each in its order.</summary>
    public static string[] Run(IEnumerable<string> input)
    {
        using SentLines sent = new();
        JsonElement[] steps = [.. input.Where(static line => line.Length > 0 && line[0] != '#').Select(static line => JsonSerializer.Deserialize<JsonElement>(line))];
        JsonElement options = steps.FirstOrDefault(static step => step.TryGetProperty("options", out _));
        using (InfluxDbSink sink = Create(options.ValueKind == JsonValueKind.Object ? options.GetProperty("options") : default, sent))
        {
            foreach (JsonElement step in steps)
            {
                Pass(sink, step);
            }
        }
        return sent.All;
    }

    /// <summary>A sink that sends nothing until it is disposed.</summary>
    public static InfluxDbSink Create(JsonElement options, IExportTransport transport)
    {
        InfluxDbSinkOptions sink = new()
        {
            Server = new InfluxDbServer { Url = "http://nowhere", Database = "d" }, NodeName = Text(options, "node") ?? "node1", Version = "0.1.0", FlushInterval = TimeSpan.FromHours(1),
            Url = Enum.Parse<ExportedUrl>(Text(options, "url") ?? "path", ignoreCase: true), RequestLog = Enum.Parse<LoggedRequests>(Text(options, "request_log") ?? "all", ignoreCase: true),
        };
        ExportLog log = new(static message => Assert.Fail(message), static _ => { });
        return new InfluxDbSink(sink, new Ledger(), log, static () => new AgentHealth(0.999, 12.5, 30_000_000, 90_000_000, 17, "0.1.0"), transport, null);
    }

    private static void Pass(InfluxDbSink sink, JsonElement step)
    {
        JsonProperty only = step.EnumerateObject().Single();
        switch (only.Name)
        {
            case "request":
                PassRequest(sink, only.Value);
                break;
            case "oomkill":
                sink.OnEvent(TestEvents.Kill(Number(only.Value, "time_ns"), Text(only.Value, "pod") ?? "web-1") with
                {
                    ProcessName = Text(only.Value, "process_name") ?? "java", LimitBytes = Number(only.Value, "limit_bytes", 64 << 20),
                });
                break;
            case "tcpsynbl":
                sink.OnEvent(TestEvents.Overflow(Number(only.Value, "time_ns"), Text(only.Value, "pod") ?? "web-1") with
                {
                    Client = EndOf(Text(only.Value, "client") ?? "10.244.0.7:40000"), ClientWorkload = WorkloadOf(only.Value, "client_workload"),
                });
                break;
            case "window":
                RedSeriesSnapshot[] series = [.. only.Value.GetProperty("series").EnumerateArray().Select(SeriesOf)];
                sink.OnWindow(new RedWindow(Number(only.Value, "start_ns"), Number(only.Value, "length_ns", 10_000_000_000), series));
                break;
        }
    }

    private static void PassRequest(InfluxDbSink sink, JsonElement json)
    {
        bool isClient = Text(json, "role") == "client";
        Connection connection = Connection.Create(EndOf(Text(json, "local") ?? "10.0.0.1:8080"), EndOf(Text(json, "remote") ?? "10.0.0.2:40000"), isLocalSocket: true);
        connection.Workload = WorkloadOf(json, "workload");
        connection.Peer = WorkloadOf(json, "peer");
        byte[] buffer = new byte[1024];
        AttributeWriter attributes = new(buffer);
        if (json.TryGetProperty("attributes", out JsonElement all))
        {
            foreach (JsonProperty attribute in all.EnumerateObject())
            {
                Assert.True(attribute.Value.ValueKind == JsonValueKind.String
                    ? attributes.TryAdd(Encoding.ASCII.GetBytes(attribute.Name), Encoding.Latin1.GetBytes(attribute.Value.GetString()!))
                    : attributes.TryAdd(Encoding.ASCII.GetBytes(attribute.Name), attribute.Value.GetBoolean()));
            }
        }
        Transaction transaction = new()
        {
            Connection = connection,
            Protocol = "http",
            ClientSide = isClient ? Side.A : Side.B,
            StartNs = Number(json, "start_ns"),
            DurationNs = Number(json, "duration_ns", -1),
            TimeToFirstByteNs = Number(json, "ttfb_ns", -1),
            Method = Bytes(json, "method"),
            Target = Bytes(json, "target"),
            Host = Bytes(json, "host"),
            Version = Text(json, "version"),
            Status = (int)Number(json, "status"),
            RequestBytes = Number(json, "request_bytes"),
            ResponseBytes = Number(json, "response_bytes"),
            Error = Text(json, "error"),
            Attributes = attributes.Written,
        };
        sink.OnTransaction(in transaction);
    }

    private static RedSeriesSnapshot SeriesOf(JsonElement json)
    {
        DurationHistogram duration = new();
        foreach (JsonElement ns in json.GetProperty("durations_ns").EnumerateArray())
        {
            duration.Record(ns.GetInt64());
        }
        return new RedSeriesSnapshot
        {
            Workload = WorkloadOf(json, "workload"),
            Role = Text(json, "role") ?? "server",
            Protocol = "http",
            Method = Text(json, "method") ?? "GET",
            Route = Text(json, "route") ?? "/",
            Status = (int)Number(json, "status"),
            ErrorType = Text(json, "error"),
            Count = Number(json, "requests", duration.Count),
            Errors = Number(json, "errors"),
            RequestBytes = 100,
            ResponseBytes = 200,
            Duration = duration,
            IsOverflow = false,
        };
    }

    // One object for each text, as the agent has one for each pod.
    private static Workload WorkloadOf(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out JsonElement workload))
        {
            return Workload.Unknown;
        }
        lock (s_workloads)
        {
            return s_workloads.TryGetValue(workload.GetRawText(), out Workload? known) ? known : s_workloads[workload.GetRawText()] = new Workload(Text(workload, "name")!, WorkloadSource.Cgroup)
            {
                Kind = Text(workload, "kind"), Namespace = Text(workload, "namespace"), Pod = Text(workload, "pod"), Container = Text(workload, "container"), Service = Text(workload, "service"),
            };
        }
    }

    private static Endpoint EndOf(string text)
    {
        IPEndPoint end = IPEndPoint.Parse(text);
        return Endpoint.From(end.Address.GetAddressBytes(), (ushort)end.Port);
    }

    private static string? Text(JsonElement json, string name) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private static byte[] Bytes(JsonElement json, string name) => Encoding.Latin1.GetBytes(Text(json, name) ?? string.Empty);

    private static long Number(JsonElement json, string name, long otherwise = 0) => json.TryGetProperty(name, out JsonElement value) ? value.GetInt64() : otherwise;
}
