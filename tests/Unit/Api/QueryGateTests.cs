using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Agent.Api;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Api;

/// <summary>Queries have bounds, and end with who asked.</summary>
public sealed class QueryGateTests
{
    private static readonly ReadOnlyMemory<byte> s_answer = "{}"u8.ToArray();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Equal_queries_share_an_answer_for_a_second()
    {
        ManualTime time = new();
        using QueryGate gate = new(time: time);
        int runs = 0;
        using SemaphoreSlim go = new(0);
        Task<ReadOnlyMemory<byte>>[] first = [.. Enumerable.Range(0, 5).Select(_ => gate.AskAsync("same", Run, Stop))];
        go.Release();
        await Task.WhenAll(first);
        await gate.AskAsync("same", Run, Stop);
        Assert.Equal(1, runs);
        time.Advance(1.1);
        go.Release();
        await gate.AskAsync("same", Run, Stop);
        Assert.Equal(2, runs);

        ReadOnlyMemory<byte> Run(CancellationToken stop)
        {
            Interlocked.Increment(ref runs);
            go.Wait(stop);
            return s_answer;
        }
    }

    [Fact]
    public async Task Two_run_at_a_time_and_who_waits_too_long_is_told()
    {
        using QueryGate gate = new(patience: TimeSpan.FromMilliseconds(50));
        using SemaphoreSlim go = new(0);
        Task<ReadOnlyMemory<byte>>[] running = [.. Enumerable.Range(0, QueryGate.MaxRunning).Select(i => gate.AskAsync($"{i}", Run, Stop))];
        QueryRefusedException e = await Assert.ThrowsAsync<QueryRefusedException>(() => gate.AskAsync("one more", Run, Stop));
        Assert.Equal("2 queries run already; try again in a moment", e.Message);
        go.Release(3);
        await Task.WhenAll(running);
        // The refusal is nobody else's answer.
        await gate.AskAsync("one more", Run, Stop);

        ReadOnlyMemory<byte> Run(CancellationToken stop)
        {
            go.Wait(stop);
            return s_answer;
        }
    }

    [Fact]
    public async Task What_takes_too_long_ends_and_names_a_shorter_range()
    {
        using QueryGate gate = new(limit: TimeSpan.FromMilliseconds(50));
        QueryRefusedException e = await Assert.ThrowsAsync<QueryRefusedException>(() => gate.AskAsync("long", WaitFor, Stop));
        Assert.Equal("the answer takes longer than 0.1 s; ask for a shorter range, such as last=1h", e.Message);
        Assert.Equal(s_answer, await gate.AskAsync("long", static _ => s_answer, Stop));
    }

    [Fact]
    public async Task It_goes_on_while_one_of_those_who_asked_is_there()
    {
        using QueryGate gate = new();
        using CancellationTokenSource one = new(), other = new();
        using ManualResetEventSlim began = new(), ended = new();
        Task<ReadOnlyMemory<byte>> first = gate.AskAsync("shared", Run, one.Token), second = gate.AskAsync("shared", Run, other.Token);
        began.Wait(Stop);
        await one.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(ended.Wait(50, Stop));
        await other.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.True(ended.Wait(5000, Stop));

        ReadOnlyMemory<byte> Run(CancellationToken stop)
        {
            began.Set();
            try
            {
                return WaitFor(stop);
            }
            finally
            {
                ended.Set();
            }
        }
    }

    [Fact]
    public async Task A_query_stops_when_the_connection_closes()
    {
        await using ApiFixture api = new();
        using ManualResetEventSlim began = new(), stopped = new();
        api.Recent.Add(DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 10 * 10, new Workload("w", "cgroup"));
        api.Recent.OnRow = stop =>
        {
            began.Set();
            if (stop.WaitHandle.WaitOne(4000))
            {
                stopped.Set();
            }
        };
        await api.StartAsync();
        using (Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(api.EndPoint, Stop);
            await socket.SendAsync("GET /api/workloads HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), Stop);
            Assert.True(began.Wait(5000, Stop));
            Assert.False(stopped.Wait(100, Stop));
        }
        Assert.True(stopped.Wait(2000, Stop));
    }

    [Fact]
    public async Task Who_is_refused_gets_a_line_and_a_time()
    {
        await using ApiFixture api = new();
        using ManualResetEventSlim go = new();
        api.Recent.Add(DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 10 * 10, new Workload("w", "cgroup"));
        api.Recent.OnRow = go.Wait;
        await api.StartAsync();
        Task<HttpResponseMessage>[] running = [.. Enumerable.Range(1, QueryGate.MaxRunning).Select(points => api.Client.GetAsync($"/api/workloads?points={points}", Stop))];
        while (api.Recent.Readings.Count < QueryGate.MaxRunning)
        {
            await Task.Delay(5, Stop);
        }
        using HttpResponseMessage refused = await api.Client.GetAsync("/api/map", Stop);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "2"), (refused.StatusCode, refused.Headers.NonValidated["Retry-After"].ToString()));
        Assert.Equal("2 queries run already; try again in a moment", JsonDocument.Parse(await refused.Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("error").GetString());
        go.Set();
        Assert.All(await Task.WhenAll(running), static response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
    }

    private static ReadOnlyMemory<byte> WaitFor(CancellationToken stop)
    {
        stop.WaitHandle.WaitOne();
        stop.ThrowIfCancellationRequested();
        return s_answer;
    }
}
