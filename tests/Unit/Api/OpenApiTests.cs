using System.Net;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Agent.Api;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Sinks.Sqlite;
using KubeBpfBox.Unit.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;

namespace KubeBpfBox.Unit.Api;

/// <summary>openapi.json says what the agent does: paths, parameters with their bounds, answers.</summary>
public sealed class OpenApiTests
{
    private static readonly JsonElement s_document = JsonDocument.Parse(typeof(ApiSources).Assembly.GetManifestResourceStream("openapi.json")!).RootElement;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_a_valid_document()
    {
        using MemoryStream text = new(Encoding.UTF8.GetBytes(s_document.GetRawText()));
        ReadResult read = await Microsoft.OpenApi.OpenApiDocument.LoadAsync(text, "json", new OpenApiReaderSettings(), Stop);
        Assert.Empty(read.Diagnostic!.Errors.Concat(read.Diagnostic.Warnings).Select(static one => one.ToString()));
        Assert.Equal((OpenApiSpecVersion.OpenApi3_1, s_document.GetProperty("paths").EnumerateObject().Count()), (read.Diagnostic.SpecificationVersion, read.Document!.Paths.Count));
    }

    [Fact]
    public async Task It_is_served_as_it_is()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        Assert.True(JsonElement.DeepEquals(s_document, JsonDocument.Parse(await api.Client.GetStringAsync("/api/openapi.json", Stop)).RootElement));
    }

    [Fact]
    public async Task It_has_each_path_and_parameter_that_is_answered_and_no_other()
    {
        await using ApiFixture api = new();
        string[] answered = [.. Operations.All(api.Sources(), Stop).Select(static one => $"{one.Path} {string.Join(' ', (one.Parameters ?? []).Order(StringComparer.Ordinal))}").Order(StringComparer.Ordinal)];
        string[] described = [.. s_document.GetProperty("paths").EnumerateObject()
            .Select(static path => $"{path.Name} {string.Join(' ', Parameters(path.Value).Select(static one => one.GetProperty("name").GetString()).Order(StringComparer.Ordinal))}").Order(StringComparer.Ordinal)];
        Assert.Equal(described, answered);
    }

    [Fact]
    public async Task Its_bounds_and_choices_of_parameters_are_those_that_are_kept()
    {
        using TemporaryDirectory directory = new();
        await using ApiFixture api = new() { LogPath = directory.File("k.db") };
        await api.StartAsync();
        int checkedOnes = 0;
        foreach (JsonProperty path in s_document.GetProperty("paths").EnumerateObject())
        {
            foreach (JsonElement parameter in Parameters(path.Value))
            {
                foreach ((string value, bool isAllowed) in Examples(parameter.GetProperty("schema")))
                {
                    string name = parameter.GetProperty("name").GetString()!;
                    string needed = path.Name == "/api/workload" ? "&workload=w" : string.Empty;
                    using HttpResponseMessage response = await api.Client.GetAsync($"{path.Name}?{name}={value}{needed}", HttpCompletionOption.ResponseHeadersRead, Stop);
                    Assert.True(response.StatusCode == (isAllowed ? HttpStatusCode.OK : HttpStatusCode.BadRequest), $"{path.Name}?{name}={value}: {response.StatusCode}");
                    checkedOnes++;
                }
            }
        }
        Assert.True(checkedOnes > 50, $"{checkedOnes} values were tried");
    }

    [Theory]
    [InlineData("/api/status")]
    [InlineData("/api/ledger")]
    [InlineData("/api/red")]
    [InlineData("/api/workloads")]
    [InlineData("/api/workloads?limit=1&last=24h")]
    [InlineData("/api/workloads?q=nothing")]
    [InlineData("/api/workload?workload=cart")]
    [InlineData("/api/workload?workload=cart&namespace=shop&kind=Deployment&role=client")]
    [InlineData("/api/workload?workload=nobody")]
    [InlineData("/api/map")]
    [InlineData("/api/events")]
    [InlineData("/api/events?limit=1")]
    [InlineData("/api/transactions")]
    [InlineData("/api/transactions?limit=1")]
    [InlineData("/api/openapi.json")]
    [InlineData("/api/map?limit=0", "400")]
    public async Task Answers_are_as_it_says(string path, string status = "200")
    {
        using TemporaryDirectory directory = new();
        await using ApiFixture api = new() { LogPath = directory.File("k.db"), Stored = new TestHistory(10, 60) };
        Fill(api, directory.File("k.db"));
        await api.StartAsync();
        using HttpResponseMessage response = await api.Client.GetAsync(path, Stop);
        JsonElement answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement;
        Assert.Equal(status, ((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture));
        JsonElement described = s_document.GetProperty("paths").GetProperty(path.Split('?')[0]).GetProperty("get").GetProperty("responses").GetProperty(status);
        JsonSchema schema = new(s_document);
        if (described.TryGetProperty("$ref", out JsonElement reference))
        {
            described = schema.Resolve(reference.GetString()!);
        }
        string? of = described.GetProperty("content").GetProperty("application/json").GetProperty("schema").TryGetProperty("$ref", out JsonElement found) ? found.GetString() : null;
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.Empty(of is null ? [] : schema.Check(of, answer));
    }

    [Fact]
    public void The_check_finds_what_is_wrong()
    {
        JsonSchema schema = new(s_document);
        Assert.Equal(["$.more: is not in the schema", "$.used: String is no integer", "$: lacks limit"],
            schema.Check("#/components/schemas/Usage", JsonDocument.Parse("{\"used\":\"1\",\"more\":1}").RootElement).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<JsonElement> Parameters(JsonElement path) => path.GetProperty("get").TryGetProperty("parameters", out JsonElement all)
        ? all.EnumerateArray().Select(static one => one.TryGetProperty("$ref", out JsonElement reference) ? new JsonSchema(s_document).Resolve(reference.GetString()!) : one)
        : [];

    /// <summary>Values of a parameter that has bounds or choices.</summary>
    private static IEnumerable<(string Value, bool IsAllowed)> Examples(JsonElement schema)
    {
        if (schema.TryGetProperty("enum", out JsonElement choices))
        {
            yield return ("other", false);
            foreach (JsonElement choice in choices.EnumerateArray())
            {
                yield return (choice.GetString()!, true);
            }
        }
        if (schema.TryGetProperty("minimum", out JsonElement least))
        {
            yield return (least.ToString(), true);
            yield return ($"{least.GetInt64() - 1}", false);
        }
        if (schema.TryGetProperty("maximum", out JsonElement most))
        {
            yield return (most.ToString(), true);
            yield return ($"{most.GetInt64() + 1}", false);
        }
    }

    private static void Fill(ApiFixture api, string path)
    {
        long nowS = DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 10 * 10;
        Workload cart = new("cart", "cgroup") { Kind = "Deployment", Namespace = "shop", Pod = "cart-1" }, python = new("python3", "process");
        api.Recent.Add(nowS - 20, cart, requests: 7, errors: 2, status: 500);
        api.Recent.Add(nowS - 20, python, durationNs: -1, status: 0);
        api.Recent.Add(nowS - 20, cart, role: "client");
        api.Recent.AddCall(nowS - 20, python, cart, "server");
        api.Recent.AddCall(nowS - 20, cart, python, "client");
        api.Stored!.Add(nowS / 60 * 60 - 3600, cart);
        DurationHistogram durations = new();
        durations.Record(1_000_000);
        api.Red.Add(new RedSeriesSnapshot
        {
            Workload = cart, Role = "server", Protocol = "http", Method = "GET", Route = "/", Status = 200, ErrorType = null, Count = 1, Errors = 0, RequestBytes = 1, ResponseBytes = 2, Duration = durations, IsOverflow = false,
        });
        SqliteSink sink = new(new SqliteSinkOptions { Path = path, MaxAgeNs = long.MaxValue }, api.Ledger, NullLogger.Instance);
        api.Sinks.Add(sink);
        sink.Start();
        sink.OnTransaction(TestTransactions.Make(status: 500));
        sink.OnTransaction(TestTransactions.Make(status: 0, durationNs: -1, error: "timeout"));
        sink.OnEvent(TestEvents.Kill(1_700_000_000_000_000_000, "web-1"));
        sink.OnEvent(TestEvents.Overflow(1_700_000_001_000_000_000, "web-2"));
        sink.Dispose();
    }
}
