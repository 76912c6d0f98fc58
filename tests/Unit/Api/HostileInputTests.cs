using System.Net;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Sinks.Sqlite;
using KubeBpfBox.Unit.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace KubeBpfBox.Unit.Api;

/// <summary>What others put on the wire, into names and into addresses stays data.</summary>
public sealed class HostileInputTests
{
    /// <summary>Ends a script, an attribute, a line, an event; bytes that are no UTF-8, and what JavaScript takes for the end of a line.</summary>
    private const string Nasty = "/\"'><script>alert(1)</script>\r\nevent: missed\ndata: 9\n\n\0\u001b]0;x\u0007</style>\u2028\\u0022{{1}}";

    private static readonly byte[] s_target = [.. Encoding.UTF8.GetBytes(Nasty), 0xff, 0xc0, 0x80];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("json")]
    [InlineData("text")]
    [InlineData("terminal")]
    public async Task A_target_in_the_stream_is_one_line_of_one_event(string form)
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        using HttpResponseMessage response = await api.Client.GetAsync($"/api/transactions/stream?output={form}", HttpCompletionOption.ResponseHeadersRead, Stop);
        await api.UntilWatchedAsync();
        api.Hub.OnTransaction(Make());
        api.Hub.OnTransaction(TestTransactions.Make(target: "/last"));
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(Stop), Encoding.UTF8);
        List<string> lines = [];
        do
        {
            lines.Add((await reader.ReadLineAsync(Stop))!);
        }
        while (!lines[^1].Contains("/last", StringComparison.Ordinal));
        // The forms for people have a head of the columns before the first line.
        if (lines.IndexOf("event: head") is int head and >= 0)
        {
            lines.RemoveRange(head, 2);
        }
        string[] data = [.. lines.Where(static line => line.StartsWith("data: ", StringComparison.Ordinal))];
        Assert.Equal(2, data.Length);
        Assert.DoesNotContain(lines, static line => line.StartsWith("event:", StringComparison.Ordinal));
        Assert.DoesNotContain(data[0], static c => c is '\0' or '\a');
        if (form == "json")
        {
            Assert.Equal(Nasty + "\uFFFD\uFFFD\uFFFD", JsonDocument.Parse(data[0][6..]).RootElement.GetProperty("target").GetString());
        }
        NothingInHeaders(response);
    }

    [Fact]
    public async Task A_target_in_the_log_is_a_string_of_valid_json()
    {
        using TemporaryDirectory directory = new();
        await using ApiFixture api = new() { LogPath = directory.File("k.db") };
        using (SqliteSink sink = new(new SqliteSinkOptions { Path = directory.File("k.db"), MaxAgeNs = long.MaxValue }, new Ledger(), NullLogger.Instance))
        {
            sink.OnTransaction(Make());
            sink.Start();
        }
        await api.StartAsync();
        using HttpResponseMessage response = await api.Client.GetAsync($"/api/transactions?text={Uri.EscapeDataString("<script>alert(1)</script>")}", Stop);
        JsonElement found = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("transactions");
        Assert.Equal(1, found.GetArrayLength());
        Assert.StartsWith("/\"'><script>", found[0].GetProperty("transaction").GetProperty("target").GetString(), StringComparison.Ordinal);
        NothingInHeaders(response);
    }

    [Fact]
    public async Task Names_and_routes_are_strings_of_valid_json()
    {
        await using ApiFixture api = new();
        Workload workload = new(Nasty, "process") { Namespace = Nasty, Kind = Nasty, Pod = Nasty };
        long startS = DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 10 * 10;
        api.Recent.Add(startS, workload, route: Nasty, method: Nasty);
        api.Recent.AddCall(startS, workload, workload, "server");
        await api.StartAsync();
        string name = Uri.EscapeDataString(Nasty);
        using HttpResponseMessage rows = await api.Client.GetAsync($"/api/workloads?namespace={name}&q={name}", Stop);
        Assert.Equal(Nasty, JsonDocument.Parse(await rows.Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("workloads")[0].GetProperty("workload").GetString());
        using HttpResponseMessage one = await api.Client.GetAsync($"/api/workload?workload={name}&namespace={name}&kind={name}", Stop);
        JsonElement answer = JsonDocument.Parse(await one.Content.ReadAsStringAsync(Stop)).RootElement;
        Assert.Equal((Nasty, Nasty), (answer.GetProperty("routes")[0].GetProperty("route").GetString(), answer.GetProperty("pods")[0].GetProperty("pod").GetString()));
        using HttpResponseMessage map = await api.Client.GetAsync("/api/map", Stop);
        Assert.Equal(Nasty, JsonDocument.Parse(await map.Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("nodes")[0].GetProperty("workload").GetString());
        Assert.All([rows, one, map], NothingInHeaders);
    }

    [Theory]
    [InlineData("/api/workloads?sort=")]
    [InlineData("/api/workloads?last=")]
    [InlineData("/api/transactions/stream?status=")]
    [InlineData("/api/transactions/stream?output=")]
    [InlineData("/api/status?")]
    [InlineData("/no/such/page")]
    public async Task A_problem_repeats_what_was_asked_as_text_only(string path)
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        using HttpResponseMessage response = await api.Client.GetAsync(path + Uri.EscapeDataString("\r\nSet-Cookie: a=1\r\n\r\n<script>alert(1)</script>"), Stop);
        Assert.True(response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotFound);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        string text = await response.Content.ReadAsStringAsync(Stop);
        Assert.NotNull(JsonDocument.Parse(text).RootElement.GetProperty("error").GetString());
        Assert.DoesNotContain("<script>", text, StringComparison.Ordinal);
        NothingInHeaders(response);
    }

    private static void NothingInHeaders(HttpResponseMessage response) => Assert.All(response.Headers.Concat(response.Content.Headers), static header =>
    {
        Assert.DoesNotContain("cookie", header.Key, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(header.Value, static value => value.Contains("script>", StringComparison.Ordinal) || value.Contains("alert", StringComparison.Ordinal));
    });

    private static Transaction Make()
    {
        Connection connection = Connection.Create(TestTransactions.Local, TestTransactions.Remote, isLocalSocket: true);
        connection.Workload = new Workload(Nasty, "process");
        return new Transaction
        {
            Connection = connection,
            Protocol = "http",
            ClientSide = Side.B,
            StartNs = 1_769_860_800_000_000_000,
            DurationNs = 1_000_000,
            TimeToFirstByteNs = 1,
            Method = "GET"u8,
            Target = s_target,
            Host = s_target,
            Version = "1.1",
            Status = 500,
            RequestBytes = 1,
            ResponseBytes = 1,
            RequestBodyBytes = 0,
            ResponseBodyBytes = 0,
        };
    }
}
