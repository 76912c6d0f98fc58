using System.Text.Json;
using KubeBpfBox.Kernel.EndToEnd;
using KubeBpfBox.Support;

namespace KubeBpfBox.Dashboards.Grafana;

/// <summary>A real Prometheus with a configuration, port and folder of its own, which scrapes one agent.</summary>
/// <remarks>Lifetime: <see cref="Dispose"/> ends it and removes its data.</remarks>
internal sealed class PrometheusServer : IDisposable
{
    /// <summary>As often as is possible, so that a test need not take minutes.</summary>
    public static readonly TimeSpan ScrapeInterval = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(20) };
    private readonly ChildProcess _process;

    /// <summary>Starts it and waits until it answers.</summary>
    /// <param name="target">Port of the agent on the loopback.</param>
    public PrometheusServer(int target)
    {
        int port = TcpPort.Free();
        _http.BaseAddress = new Uri($"http://127.0.0.1:{port}");
        File.WriteAllText(_folder.PathOf("prometheus.yml"), $"""
            global:
              scrape_interval: {ScrapeInterval.TotalSeconds}s
              scrape_timeout: {ScrapeInterval.TotalSeconds}s
            scrape_configs:
              - job_name: kubebpfbox
                static_configs:
                  - targets: ["127.0.0.1:{target}"]
            """);
        _process = ChildProcess.Start(
            AptPackages.Require("prometheus", "prometheus"),
            $"--config.file={_folder.PathOf("prometheus.yml")}", $"--storage.tsdb.path={_folder.PathOf("data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn", "--enable-feature=exemplar-storage");
        try
        {
            _process.WaitUntil(IsReady, "readiness", TimeSpan.FromSeconds(30));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Asks the API.</summary>
    /// <param name="path">Below /api/v1/.</param>
    /// <returns>The answer's data.</returns>
    /// <exception cref="InvalidOperationException">It refused.</exception>
    public JsonElement Get(string path)
    {
        using HttpResponseMessage response = _http.GetAsync("/api/v1/" + path).GetAwaiter().GetResult();
        using JsonDocument document = JsonDocument.Parse(response.Content.ReadAsStringAsync().GetAwaiter().GetResult());
        return document.RootElement.GetProperty("status").GetString() == "success"
            ? document.RootElement.GetProperty("data").Clone()
            : throw new InvalidOperationException($"{Uri.UnescapeDataString(path)}: {document.RootElement}");
    }

    public void Dispose()
    {
        _process.Dispose();
        _http.Dispose();
        _folder.Dispose();
    }

    private bool IsReady()
    {
        try
        {
            using HttpResponseMessage response = _http.GetAsync("/-/ready").GetAwaiter().GetResult();
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
