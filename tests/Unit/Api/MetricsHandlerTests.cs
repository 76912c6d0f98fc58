using System.IO.Compression;
using System.Net;
using System.Text;
using KubeBpfBox.Agent.Api;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Sinks.Prometheus;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Api;

public sealed class MetricsHandlerTests
{
    private const string Prometheus2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    private const string Prometheus3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Prometheus2, ExpositionFormat.OpenMetrics)]
    [InlineData(Prometheus3, ExpositionFormat.OpenMetrics)]
    [InlineData("application/openmetrics-text", ExpositionFormat.OpenMetrics)]
    [InlineData("APPLICATION/OpenMetrics-Text; Version=\"1.0.0\"", ExpositionFormat.OpenMetrics)]
    [InlineData("text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0", ExpositionFormat.OpenMetrics)]
    [InlineData("text/plain;version=0.0.4;q=0.9, application/openmetrics-text;version=1.0.0;q=0.8", ExpositionFormat.Text)]
    [InlineData("application/openmetrics-text;version=1.0.0;q=0", ExpositionFormat.Text)]
    [InlineData("application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5", ExpositionFormat.Text)]
    [InlineData("application/openmetrics-text;version=2.0.0", ExpositionFormat.Text)]
    [InlineData("text/plain;version=0.0.4;q=1,*/*;q=0.1", ExpositionFormat.Text)]
    [InlineData("text/html,application/xhtml+xml,*/*;q=0.8", ExpositionFormat.Text)]
    [InlineData("*/*", ExpositionFormat.Text)]
    [InlineData("", ExpositionFormat.Text)]
    [InlineData(";;;,\"", ExpositionFormat.Text)]
    public void The_scraper_chooses_the_format(string accept, ExpositionFormat expected) => Assert.Equal(expected, MetricsHandler.Format(accept));

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("deflate, GZIP;q=0.5", true)]
    [InlineData("*", true)]
    [InlineData("gzip;q=0, *", false)]
    [InlineData("identity", false)]
    [InlineData("br", false)]
    [InlineData("", false)]
    public void The_scraper_chooses_the_coding(string accept, bool expected) => Assert.Equal(expected, MetricsHandler.AcceptsGzip(accept));

    [Theory]
    [InlineData(Prometheus2, true, "application/openmetrics-text; version=1.0.0; charset=utf-8")]
    [InlineData(Prometheus2, false, "application/openmetrics-text; version=1.0.0; charset=utf-8")]
    [InlineData("*/*", true, "text/plain; version=0.0.4; charset=utf-8")]
    [InlineData("*/*", false, "text/plain; version=0.0.4; charset=utf-8")]
    public async Task The_page_comes_as_it_was_asked_for(string accept, bool isZipped, string contentType)
    {
        await using ApiFixture api = new();
        Fill(api, 300);
        await api.StartAsync();
        using HttpResponseMessage response = await AskAsync(api, HttpMethod.Get, accept, isZipped);
        Assert.Equal(contentType, response.Content.Headers.NonValidated["Content-Type"].ToString());
        Assert.Equal(isZipped ? ["gzip"] : [], response.Content.Headers.ContentEncoding);
        Assert.Equal("Accept, Accept-Encoding", response.Headers.NonValidated["Vary"].ToString());
        await using Stream body = await response.Content.ReadAsStreamAsync(Stop);
        await using Stream plain = isZipped ? new GZipStream(body, CompressionMode.Decompress) : body;
        using StreamReader reader = new(plain, Encoding.UTF8);
        string[] lines = (await reader.ReadToEndAsync(Stop)).Split('\n');
        Assert.Equal(300, lines.Count(static line => line.StartsWith("http_server_requests_total{", StringComparison.Ordinal)));
        Assert.Equal(accept == Prometheus2, lines[^2] == "# EOF");
    }

    [Fact]
    public async Task Head_tells_of_a_page_and_makes_none()
    {
        await using ApiFixture api = new();
        int looks = 0;
        api.Ledger.OnRead(() => looks++);
        await api.StartAsync();
        using HttpResponseMessage response = await AskAsync(api, HttpMethod.Head, Prometheus2, isZipped: true);
        Assert.Equal((HttpStatusCode.OK, 0), (response.StatusCode, looks));
    }

    [Fact]
    public async Task Many_at_once_all_get_a_whole_page()
    {
        await using ApiFixture api = new();
        Fill(api, 500);
        await api.StartAsync();
        string[] pages = await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
        {
            using HttpResponseMessage response = await AskAsync(api, HttpMethod.Get, Prometheus2, isZipped: false);
            return await response.Content.ReadAsStringAsync(Stop);
        }));
        Assert.All(pages, static page =>
        {
            Assert.EndsWith("# EOF\n", page, StringComparison.Ordinal);
            Assert.Equal(500, page.Split("http_server_requests_total{").Length - 1);
        });
    }

    private static async Task<HttpResponseMessage> AskAsync(ApiFixture api, HttpMethod method, string accept, bool isZipped)
    {
        using HttpRequestMessage request = new(method, "/metrics");
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (isZipped)
        {
            request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        }
        return await api.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
    }

    private static void Fill(ApiFixture api, int series)
    {
        api.Table.Enter();
        for (int i = 0; i < series; i++)
        {
            api.Table.OnTransaction(TestTransactions.Make(workload: $"w{i}"));
        }
        api.Table.Exit();
    }
}
