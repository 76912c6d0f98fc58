using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KubeBpfBox.Agent;
using KubeBpfBox.Agent.Live;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Api;

/// <summary>The client of <c>observe</c> against the real host.</summary>
public sealed class ObserveTests
{
    private readonly BlockingCollection<string> _lines = [];
    private readonly BlockingCollection<string> _messages = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Transactions_come_as_lines_and_the_filter_is_the_server_s()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        using CancellationTokenSource stop = new();
        Task<int> run = ObserveAsync(api.Url, "output=json&status=5xx", stop.Token);
        await api.UntilWatchedAsync();
        api.Hub.OnTransaction(TestTransactions.Make(status: 200));
        api.Hub.OnTransaction(TestTransactions.Make(status: 500, target: "/a"));
        api.Hub.OnTransaction(TestTransactions.Make(status: 503, target: "/b"));
        Assert.Contains("\"target\":\"/a\"", _lines.Take(Stop), StringComparison.Ordinal);
        string second = _lines.Take(Stop);
        Assert.StartsWith("{\"protocol\":\"http\"", second, StringComparison.Ordinal);
        Assert.EndsWith("}\n", second, StringComparison.Ordinal);
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Fine, await run);
        Assert.Empty(_messages);
        await UntilUnwatchedAsync(api);
        LedgerStage live = api.Ledger.Stages[0];
        Assert.Equal((2, 2, 0), (live.In.Value, live.Out.Value, live.Unaccounted));
    }

    [Fact]
    public async Task Text_is_made_by_the_agent()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        using CancellationTokenSource stop = new();
        Task<int> run = ObserveAsync(api.Url, "output=text", stop.Token);
        await api.UntilWatchedAsync();
        api.Hub.OnTransaction(TestTransactions.Make(target: "/text"));
        string line = _lines.Take(Stop);
        Assert.Contains("/text", line, StringComparison.Ordinal);
        Assert.DoesNotContain("{", line, StringComparison.Ordinal);
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task Columns_grow_to_the_names_and_a_terminal_has_a_head_for_them()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        using CancellationTokenSource stop = new();
        Task<int> run = ObserveAsync(api.Url, "output=terminal", stop.Token, showsHead: true);
        await api.UntilWatchedAsync();
        foreach (string workload in (string[])["short", "a-workload-with-quite-a-long-name", "short"])
        {
            api.Hub.OnTransaction(TestTransactions.Make(workload: workload));
        }
        string[] lines = [.. Enumerable.Range(0, 5).Select(_ => _lines.Take(Stop))];
        Assert.All((int[])[0, 2], at => Assert.StartsWith("\e[1mTIME         ROLE   CLIENT", lines[at], StringComparison.Ordinal));
        Assert.Equal(lines[2].IndexOf("STA", StringComparison.Ordinal) - "\e[1m".Length, lines[3].IndexOf("\e[32m200", StringComparison.Ordinal));
        Assert.Equal(lines[3].IndexOf("GET", StringComparison.Ordinal), lines[4].IndexOf("GET", StringComparison.Ordinal));
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public async Task Nobody_reading_ends_it()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        using ObserveClient client = new(api.Url, null, string.Empty, static _ => false, _messages.Add);
        Task<int> run = client.RunAsync(Stop);
        await api.UntilWatchedAsync();
        api.Hub.OnTransaction(TestTransactions.Make());
        Assert.Equal(ExitCode.Fine, await run);
    }

    [Fact]
    public async Task Without_an_agent_one_line_says_what_to_start()
    {
        // A port that was free a moment ago.
        int port;
        using (Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        }
        AgentException e = await Assert.ThrowsAsync<AgentException>(() => ObserveAsync(new Uri($"http://127.0.0.1:{port}"), string.Empty, Stop));
        Assert.Equal($"no agent answers at http://127.0.0.1:{port} (connection refused); start one with: sudo kubebpfbox run, or name another with --server", e.Message);
    }

    [Fact]
    public async Task It_comes_back_when_the_agent_restarts()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        Uri url = api.Url;
        using CancellationTokenSource stop = new();
        Task<int> run = ObserveAsync(url, string.Empty, stop.Token);
        await api.UntilWatchedAsync();
        await api.StopAsync();
        Assert.StartsWith($"lost {url.GetLeftPart(UriPartial.Authority)} (", _messages.Take(Stop), StringComparison.Ordinal);
        await UntilUnwatchedAsync(api);
        await api.StartAsync(url.Authority);
        Assert.EndsWith(" again", _messages.Take(Stop), StringComparison.Ordinal);
        await api.UntilWatchedAsync();
        api.Hub.OnTransaction(TestTransactions.Make(target: "/after"));
        Assert.Contains("/after", _lines.Take(Stop), StringComparison.Ordinal);
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Fine, await run);
    }

    [Fact]
    public async Task A_missing_token_is_explained_and_the_right_one_works()
    {
        await using ApiFixture api = new();
        await api.StartAsync("0.0.0.0:0");
        AgentException e = await Assert.ThrowsAsync<AgentException>(() => ObserveAsync(api.Url, string.Empty, Stop));
        Assert.Contains("asks for a token; give it with --token", e.Message, StringComparison.Ordinal);
        using CancellationTokenSource stop = new();
        Task<int> run = ObserveAsync(api.Url, string.Empty, stop.Token, ApiFixture.Token);
        await api.UntilWatchedAsync();
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Fine, await run);
    }

    [Fact]
    public async Task A_reader_that_does_not_read_is_dropped_for_and_told()
    {
        await using ApiFixture api = new(hubCapacity: 16);
        await api.StartAsync();
        using CancellationTokenSource stop = new();
        using ManualResetEventSlim go = new();
        using ObserveClient client = new(api.Url, null, string.Empty, bytes =>
        {
            go.Wait();
            return true;
        }, _messages.Add);
        Task<int> run = Task.Run(() => client.RunAsync(stop.Token), Stop);
        await api.UntilWatchedAsync();
        LedgerStage live = api.Ledger.Stages[0];
        long slow = 0;
        // Socket and pipe buffers fill first; then the hub drops instead of waiting.
        while (slow < 100)
        {
            api.Hub.OnTransaction(TestTransactions.Make(target: "/" + new string('x', 4000)));
            slow = live.Dropped.Sum(static pair => pair.Value.Value);
        }
        go.Set();
        Assert.EndsWith(" transactions were not shown: this reader is too slow", _messages.Take(Stop), StringComparison.Ordinal);
        await stop.CancelAsync();
        await run;
        await UntilUnwatchedAsync(api);
        Assert.Equal(0, live.Unaccounted);
    }

    [Fact]
    public async Task A_watcher_that_wants_few_a_second_is_told_how_many_more_there_were()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        using StreamReader stream = new(await api.Client.GetStreamAsync("/api/transactions/stream?max-per-second=1", Stop));
        Assert.Equal(": watching", await stream.ReadLineAsync(Stop));
        await api.UntilWatchedAsync();
        // Within a second, so that one of them passes and no more.
        for (int i = 0; i < 50; i++)
        {
            api.Hub.OnTransaction(TestTransactions.Make(target: $"/{i}"));
        }
        string? kind = null, request = null;
        for (int skipped = 0; skipped < 49;)
        {
            string line = (await stream.ReadLineAsync(Stop))!;
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                // Told in one event or in several.
                skipped += kind == "event: skipped" ? int.Parse(line.AsSpan(6), System.Globalization.CultureInfo.InvariantCulture) : 0;
                request ??= kind is null ? line : null;
            }
            kind = line.StartsWith("event: ", StringComparison.Ordinal) ? line : null;
        }
        Assert.Contains("\"target\":\"/0\"", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_watchers_are_refused()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        List<HttpResponseMessage> streams = [];
        for (int i = 0; i < 32; i++)
        {
            streams.Add(await api.Client.GetAsync("/api/transactions/stream", HttpCompletionOption.ResponseHeadersRead, Stop));
        }
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await api.Client.GetAsync("/api/transactions/stream", HttpCompletionOption.ResponseHeadersRead, Stop)).StatusCode);
        streams.ForEach(static stream => stream.Dispose());
    }

    private static async Task UntilUnwatchedAsync(ApiFixture api)
    {
        while (api.Hub.SubscriberCount > 0)
        {
            await Task.Delay(5, Stop);
        }
    }

    private async Task<int> ObserveAsync(Uri agent, string query, CancellationToken stop, string? token = null, bool showsHead = false)
    {
        using ObserveClient client = new(agent, token, query, bytes =>
        {
            _lines.Add(Encoding.UTF8.GetString(bytes));
            return true;
        }, _messages.Add, showsHead);
        return await client.RunAsync(stop);
    }
}
