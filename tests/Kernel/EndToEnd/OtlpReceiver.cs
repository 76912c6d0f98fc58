using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>tests/OtlpReceiver as a process: OTLP taken by others' libraries, decoded by the official definitions.</summary>
internal sealed class OtlpReceiver : IDisposable
{
    private readonly ChildProcess _process;

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="grpcPort">0 for any free one.</param>
    public OtlpReceiver(int grpcPort = 0)
    {
        _process = ChildProcess.Start(AptPackages.Require("node", "nodejs"), Script(), $"{grpcPort}", "0");
        try
        {
            _process.WaitForText("\"http\":", TimeSpan.FromSeconds(20));
        }
        catch
        {
            Dispose();
            throw;
        }
        JsonElement ports = Lines().First();
        (GrpcPort, HttpPort) = (ports.GetProperty("grpc").GetInt32(), ports.GetProperty("http").GetInt32());
    }

    public int GrpcPort { get; }

    public int HttpPort { get; }

    /// <summary>What came so far of a signal, each as the official definitions read it.</summary>
    public IReadOnlyList<JsonElement> Received(string signal) => [.. Lines().Where(line => line.TryGetProperty("signal", out JsonElement name) && name.GetString() == signal)];

    /// <summary>Items of a signal with the attributes of their resources.</summary>
    /// <param name="signal">"traces", "metrics" or "logs".</param>
    public IEnumerable<(Dictionary<string, string> Resource, JsonElement Item)> Items(string signal)
    {
        (string groups, string scopes, string items) = signal switch
        {
            "traces" => ("resourceSpans", "scopeSpans", "spans"),
            "metrics" => ("resourceMetrics", "scopeMetrics", "metrics"),
            _ => ("resourceLogs", "scopeLogs", "logRecords"),
        };
        return from request in Received(signal)
               from resource in request.GetProperty("request").GetProperty(groups).EnumerateArray()
               from scope in resource.GetProperty(scopes).EnumerateArray()
               from item in scope.GetProperty(items).EnumerateArray()
               select (Attributes(resource.GetProperty("resource")), item);
    }

    /// <summary>Attributes as text.</summary>
    public static Dictionary<string, string> Attributes(JsonElement of) => of.GetProperty("attributes").EnumerateArray()
        .ToDictionary(static one => one.GetProperty("key").GetString()!, static one => one.GetProperty("value").EnumerateObject().First().Value.ToString());

    /// <summary>The sum of a metric's newest points, one for each series.</summary>
    public long Newest(string metric) => Items("metrics")
        .Where(one => one.Item.GetProperty("name").GetString() == metric)
        .SelectMany(static one => (one.Item.TryGetProperty("sum", out JsonElement data) ? data : one.Item.GetProperty("histogram")).GetProperty("dataPoints").EnumerateArray()
            .Select(point => (Key: string.Join(' ', one.Resource.Concat(Attributes(point)).Select(static pair => $"{pair.Key}={pair.Value}").Order()), Point: point)))
        .GroupBy(static one => one.Key)
        .Sum(static series => series.Last().Point is var point && point.TryGetProperty("asInt", out JsonElement value) ? value.GetInt64() : series.Last().Point.GetProperty("count").GetInt64());

    public void Until(Func<bool> condition, string what) => _process.WaitUntil(condition, what, TimeSpan.FromSeconds(20));

    public void Dispose() => _process.Dispose();

    private IEnumerable<JsonElement> Lines()
    {
        string output = _process.Output;
        return output[..(output.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement);
    }

    private static string Script()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "KubeBpfBox.slnx")))
        {
            folder = folder.Parent;
        }
        string receiver = Path.Combine(folder?.FullName ?? string.Empty, "tests", "OtlpReceiver");
        return Directory.Exists(Path.Combine(receiver, "node_modules"))
            ? Path.Combine(receiver, "receiver.mjs")
            : throw new InvalidOperationException($"the packages of {receiver} are missing: scripts/setup.sh test");
    }
}
