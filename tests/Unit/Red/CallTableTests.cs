using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Red;

public sealed class CallTableTests
{
    private static readonly Workload Web = TestCalls.Deployment("web"), Cart = TestCalls.Deployment("cart"), Db = TestCalls.Deployment("db");

    private readonly RedTable _gate = new();

    private void Pass(CallTable table, Connection connection, string role = "server", int status = 200, string? error = null, long startNs = 0, long durationNs = 1_000_000)
    {
        _gate.Enter();
        table.OnTransaction(TestCalls.Request(connection, role, status, error, startNs, durationNs));
        _gate.Exit();
    }

    [Fact]
    public void A_call_goes_from_who_asks_to_who_is_asked_as_either_end_sees_it()
    {
        CallTable table = new(_gate);
        Pass(table, TestCalls.Between(Cart, Web), durationNs: 3_000_000);
        Pass(table, TestCalls.Between(Cart, Web), status: 500, durationNs: 5_000_000);
        Pass(table, TestCalls.Between(Web, Cart), role: "client", status: 404);
        IReadOnlyList<CallSnapshot> calls = table.TakeWindow();
        Assert.Equal([("web", "cart", "server"), ("web", "cart", "client")], calls.Select(static call => (call.Key.Source.Name, call.Key.Destination.Name, call.Key.Role)));
        Assert.Equal((2, 1, 200, 400), (calls[0].Count, calls[0].Errors, calls[0].RequestBytes, calls[0].ResponseBytes));
        Assert.Equal((2, 8_000_000, 5_000_000), (calls[0].Duration.Count, calls[0].Duration.SumNs, calls[0].Duration.MaxNs));
        Assert.Equal((1, 1), (calls[1].Count, calls[1].Errors));
        Assert.Empty(table.TakeWindow());
    }

    [Fact]
    public void Pods_of_a_workload_make_one_call_and_are_not_kept()
    {
        CallTable table = new(_gate);
        Pass(table, TestCalls.Between(Cart, Web));
        Pass(table, TestCalls.Between(TestCalls.Deployment("cart", "2"), TestCalls.Deployment("web", "2")));
        Pass(table, TestCalls.Between(Cart with { Source = WorkloadSource.Address }, Web));
        Pass(table, TestCalls.Between(Cart, Web with { Namespace = "other" }));
        Pass(table, TestCalls.Between(Cart, Web with { Kind = "StatefulSet" }));
        IReadOnlyList<CallSnapshot> calls = table.TakeWindow();
        Assert.Equal([3L, 1L, 1L], calls.Select(static call => call.Count));
        Assert.Equal(("web", "Deployment", "shop", null, null), (calls[0].Key.Source.Name, calls[0].Key.Source.Kind, calls[0].Key.Source.Namespace, calls[0].Key.Source.Pod, calls[0].Key.Source.Lifetime));
    }

    [Fact]
    public void A_connection_that_gets_other_names_or_is_used_again_counts_for_the_others()
    {
        CallTable table = new(_gate);
        Connection connection = TestCalls.Between(Cart, Workload.Unknown);
        Pass(table, connection);
        connection.Peer = Web;
        Pass(table, connection);
        Pass(table, connection, role: "client");
        connection.Workload = Db;
        Pass(table, connection);
        Assert.Equal([("unknown", "cart"), ("web", "cart"), ("cart", "web"), ("web", "db")], table.TakeWindow().Select(static call => (call.Key.Source.Name, call.Key.Destination.Name)));
    }

    [Fact]
    public void What_has_no_request_or_no_role_is_in_no_call_and_accounted_for()
    {
        CallTable table = new(_gate);
        _gate.Enter();
        table.OnTransaction(new Transaction { Connection = TestCalls.Between(Cart, Web), Protocol = "http", ClientSide = Side.B, StartNs = 1, Status = 200 });
        table.OnTransaction(TestCalls.Request(Connection.Create(default, default)));
        _gate.Exit();
        Pass(table, TestCalls.Between(Cart, Web));
        Assert.Equal((3, 1, 1, 1), (table.Transactions.Value, table.ResponsesWithoutRequest.Value, table.WithoutRole.Value, table.CallTransactions.Value));
        Assert.Single(table.TakeWindow());
    }

    [Fact]
    public void An_answer_that_nobody_saw_has_no_duration()
    {
        CallTable table = new(_gate);
        Pass(table, TestCalls.Between(Cart, Web), status: 0, error: TransactionError.NotCaptured, durationNs: 5);
        Pass(table, TestCalls.Between(Cart, Web), status: 0, error: TransactionError.Timeout, durationNs: -1);
        CallSnapshot call = Assert.Single(table.TakeWindow());
        Assert.Equal((2, 1, 0), (call.Count, call.Errors, call.Duration.Count));
    }

    [Fact]
    public void At_the_cap_idle_calls_make_room_and_others_are_counted_as_overflow()
    {
        CallTable table = new(_gate, maxCalls: 2, idle: TimeSpan.FromSeconds(100));
        Connection a = TestCalls.Between(Cart, Web), b = TestCalls.Between(Db, Cart), c = TestCalls.Between(Db, Web);
        Pass(table, a, startNs: 0);
        Pass(table, b, startNs: 50 * TestCalls.SecondNs);
        Pass(table, c, startNs: 60 * TestCalls.SecondNs);
        IReadOnlyList<CallSnapshot> calls = table.TakeWindow();
        Assert.Equal([false, false, true], calls.Select(static call => call.Key.IsOverflow));
        Assert.Equal(("overflow", "overflow", "server"), (calls[2].Key.Source.Name, calls[2].Key.Destination.Name, calls[2].Key.Role));
        Pass(table, c, startNs: 161 * TestCalls.SecondNs); // remembered as overflow until room can have been made
        Assert.Equal([("web", "db")], table.TakeWindow().Select(static call => (call.Key.Source.Name, call.Key.Destination.Name)));
        Assert.Equal((1, 4, 1, 2), (table.OverflowTransactions.Value, table.CallTransactions.Value, table.CallCount, table.EvictedCalls.Value + table.CallCount - 1));
    }

    [Fact]
    public void A_window_not_yet_taken_keeps_its_call()
    {
        CallTable table = new(_gate, maxCalls: 1, idle: TimeSpan.FromSeconds(1));
        Pass(table, TestCalls.Between(Cart, Web), startNs: 0);
        Pass(table, TestCalls.Between(Db, Cart), startNs: 10 * TestCalls.SecondNs);
        Assert.Equal(["cart", "overflow"], table.PeekWindow().Select(static call => call.Key.Destination.Name));
        Assert.Equal(["cart", "overflow"], table.TakeWindow().Select(static call => call.Key.Destination.Name));
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        CallTable table = new(_gate, maxCalls: 3000);
        Connection[] connections = [.. Enumerable.Range(0, 2500).Select(static i => TestCalls.Between(Cart, TestCalls.Deployment($"client-{i}"))), TestCalls.Between(Cart, Workload.Unknown)];
        AllocationRounds rounds = new();
        // More pairs than the cache has places, so that misses are part of it.
        foreach (Connection connection in connections)
        {
            Pass(table, connection);
        }
        _gate.Enter();
        while (rounds.Next())
        {
            foreach (Connection connection in connections)
            {
                table.OnTransaction(TestCalls.Request(connection));
                table.OnTransaction(TestCalls.Request(connection, status: 503));
            }
        }
        _gate.Exit();
        Assert.Equal(0, rounds.Least);
        Assert.Equal(2501, table.CallCount);
    }

    [Fact]
    public async Task Windows_taken_while_others_count_and_peek_lose_nothing_and_double_nothing()
    {
        const int Passed = 200_000, Phase = 20_000;
        RedTable red = new();
        CallTable table = new(red, maxCalls: 90, idle: TimeSpan.FromSeconds(1));
        using CancellationTokenSource ended = new();
        int taken = 0;
        Connection[] connections = [.. Enumerable.Range(0, 300).Select(static i => TestCalls.Between(TestCalls.Deployment($"server-{i % 20}"), TestCalls.Deployment($"client-{i}")))];
        Task<(long Calls, long Series)> taking = Task.Run(() =>
        {
            (long calls, long series) = (0, 0);
            bool isOver;
            do
            {
                isOver = ended.IsCancellationRequested;
                calls += table.TakeWindow().Sum(static call => call.Count);
                series += red.TakeWindow().Sum(static one => one.Count);
                Interlocked.Increment(ref taken);
            }
            while (!isOver);
            return (calls, series);
        }, TestContext.Current.CancellationToken);
        Task peeking = Task.Run(() =>
        {
            while (!ended.IsCancellationRequested)
            {
                Assert.All(table.PeekWindow(), static call => Assert.Equal(call.Count, call.Duration.Count));
                Assert.All(red.PeekWindow(), static one => Assert.Equal(one.Count, one.Duration.Count));
            }
        }, TestContext.Current.CancellationToken);
        for (int i = 0; i < Passed;)
        {
            // Two phases of two seconds each make a call idle, once its window was taken.
            int before = Volatile.Read(ref taken);
            Assert.True(i % Phase != 0 || SpinWait.SpinUntil(() => Volatile.Read(ref taken) > before + 1, 30_000));
            red.Enter();
            for (int batch = 0; batch < 500; batch++, i++)
            {
                Transaction transaction = TestCalls.Request(connections[((i / Phase * 70) + (batch % 100)) % connections.Length], startNs: i * 100_000L);
                red.OnTransaction(in transaction);
                table.OnTransaction(in transaction);
            }
            red.Exit();
        }
        await ended.CancelAsync();
        await peeking;
        Assert.Equal((Passed, Passed), await taking);
        Assert.Equal((Passed, Passed), (table.Transactions.Value, table.CallTransactions.Value));
        Assert.True(table.EvictedCalls.Value > 0 && table.OverflowTransactions.Value > 0, "neither room was made nor lacking");
    }
}
