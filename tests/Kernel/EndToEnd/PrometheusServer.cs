using System.Globalization;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>A real Prometheus that scrapes one agent every second, with the rules that are shipped; all it writes is below a folder of its own.</summary>
internal sealed class PrometheusServer : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ChildProcess _process;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(20) };

    public PrometheusServer(int agentPort)
    {
        int port = TcpPort.Free();
        _http.BaseAddress = new Uri($"http://127.0.0.1:{port}");
        File.WriteAllText(_folder.PathOf("prometheus.yml"), string.Create(CultureInfo.InvariantCulture, $$"""
            global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
            rule_files: [{{Rules()}}]
            scrape_configs:
              - job_name: kubebpfbox
                static_configs: [{targets: ["127.0.0.1:{{agentPort}}"]}]
            """));
        _process = ChildProcess.Start(AptPackages.Require("prometheus", "prometheus"), $"--config.file={_folder.PathOf("prometheus.yml")}",
            $"--storage.tsdb.path={_folder.PathOf("data")}", $"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage", "--log.level=warn");
        try
        {
            Until(() => Value("up") == 1, "a scrape of the agent");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The one number that a query gives; null when it gives none.</summary>
    public double? Value(string query)
    {
        JsonElement result = Get("/api/v1/query?query=" + Uri.EscapeDataString(query)).GetProperty("result");
        return result.GetArrayLength() == 0 ? null : double.Parse(result[0].GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture);
    }

    /// <summary>What an address of its API says, without the frame around it.</summary>
    public JsonElement Get(string path)
    {
        using HttpResponseMessage response = _http.GetAsync(path).GetAwaiter().GetResult();
        using JsonDocument document = JsonDocument.Parse(response.Content.ReadAsStringAsync().GetAwaiter().GetResult());
        Assert.True(document.RootElement.GetProperty("status").GetString() == "success", document.RootElement.ToString());
        return document.RootElement.GetProperty("data").Clone();
    }

    public void Until(Func<bool> condition, string what) => _process.WaitUntil(() => Holds(condition), what, TimeSpan.FromSeconds(40));

    public void Dispose()
    {
        _process.Dispose();
        _http.Dispose();
        _folder.Dispose();
    }

    /// <summary>It takes a moment to answer.</summary>
    private static bool Holds(Func<bool> condition)
    {
        try
        {
            return condition();
        }
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            return false;
        }
    }

    private static string Rules()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "KubeBpfBox.slnx")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new DirectoryNotFoundException("the tests run outside the repository");
        }
        return Path.Combine(directory, "deploy/prometheus/rules.yaml");
    }
}
