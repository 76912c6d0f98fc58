using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Live;

public sealed class LiveHubTests
{
    private readonly Ledger _ledger = new();

    private LedgerStage Stage => _ledger.Stages[0];

    [Fact]
    public void Without_a_subscriber_nothing_is_counted_or_allocated()
    {
        LiveHub hub = new(_ledger);
        Transaction transaction = TestTransactions.Make();
        hub.OnTransaction(in transaction);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            hub.OnTransaction(in transaction);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(0, Stage.In.Value);
    }

    [Fact]
    public void A_record_is_a_whole_copy()
    {
        LiveHub hub = new(_ledger);
        using LiveSubscription subscription = hub.Subscribe(TransactionFilter.All);
        byte[] target = "/before"u8.ToArray();
        byte[] attributes = new byte[64];
        AttributeWriter writer = new(attributes);
        Assert.True(writer.TryAdd("grpc_status"u8, 7));
        Transaction given = TestTransactions.Make(status: 503, role: "client", error: TransactionError.Timeout);
        Transaction transaction = new()
        {
            Connection = given.Connection, Protocol = given.Protocol, ClientSide = given.ClientSide, StartNs = given.StartNs, DurationNs = given.DurationNs,
            TimeToFirstByteNs = given.TimeToFirstByteNs, Method = given.Method, Target = target, Host = given.Host, Version = given.Version, Status = given.Status,
            RequestBytes = given.RequestBytes, ResponseBytes = given.ResponseBytes, RequestBodyBytes = 3, ResponseBodyBytes = 4, Error = given.Error,
            Flags = TransactionFlags.BodyIncomplete, Attributes = writer.Written,
        };
        string expected = Json(in transaction);
        hub.OnTransaction(in transaction);
        target.AsSpan().Fill((byte)'x');
        attributes.AsSpan().Clear();

        Assert.True(subscription.TryTake(out TransactionRecord? record));
        Assert.Equal(expected, Json(record.AsTransaction()));
        subscription.Return(record);
    }

    [Fact]
    public void Each_subscriber_gets_what_it_wants_and_the_ledger_adds_up()
    {
        LiveHub hub = new(_ledger);
        using LiveSubscription all = hub.Subscribe(TransactionFilter.All);
        using LiveSubscription errors = hub.Subscribe(new TransactionFilter { StatusFrom = 500, StatusTo = 599 });
        hub.OnTransaction(TestTransactions.Make(status: 200));
        hub.OnTransaction(TestTransactions.Make(status: 502));
        Assert.Equal([200, 502], Statuses(all));
        Assert.Equal([502], Statuses(errors));
        Assert.Equal((3, 3, 0), (Stage.In.Value, Stage.Out.Value, Stage.Unaccounted));
    }

    [Fact]
    public void A_slow_reader_misses_and_the_others_do_not()
    {
        LiveHub hub = new(_ledger, capacity: 8);
        using LiveSubscription slow = hub.Subscribe(TransactionFilter.All);
        for (int i = 0; i < 20; i++)
        {
            hub.OnTransaction(TestTransactions.Make(status: 200 + i));
        }
        Assert.Equal(12, slow.Missed);
        Assert.Equal([200, 201, 202, 203, 204, 205, 206, 207], Statuses(slow));
        Assert.Equal((20, 8, 0), (Stage.In.Value, Stage.Out.Value, Stage.Unaccounted));

        hub.OnTransaction(TestTransactions.Make(status: 299));
        Assert.Equal([299], Statuses(slow));
    }

    [Fact]
    public void Bytes_are_bounded_too()
    {
        LiveHub hub = new(_ledger, capacity: 1000, maxBytes: 10_000);
        using LiveSubscription subscription = hub.Subscribe(TransactionFilter.All);
        for (int i = 0; i < 10; i++)
        {
            hub.OnTransaction(TestTransactions.Make(target: "/" + new string('a', 4000)));
        }
        Assert.Equal(2, Statuses(subscription).Count);
        Assert.Equal(8, subscription.Missed);
        Assert.Equal(0, Stage.Unaccounted);
    }

    [Fact]
    public void Who_leaves_gives_everything_back()
    {
        LiveHub hub = new(_ledger, capacity: 4);
        for (int round = 0; round < 10; round++)
        {
            LiveSubscription subscription = hub.Subscribe(TransactionFilter.All);
            hub.OnTransaction(TestTransactions.Make());
            hub.OnTransaction(TestTransactions.Make());
            hub.OnTransaction(TestTransactions.Make());
            subscription.Dispose();
            subscription.Dispose();
            Assert.Equal(0, subscription.Missed);
        }
        Assert.Equal(0, hub.SubscriberCount);
        Assert.Equal((30, 0, 0), (Stage.In.Value, Stage.Out.Value, Stage.Unaccounted));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(25)]
    [InlineData(100)]
    [InlineData(5000)]
    public void A_limited_reader_gets_a_burst_of_a_second_and_then_so_many_a_second_spread_over_it(int perSecond)
    {
        long nowMs = 5_000_000;
        LiveHub hub = new(_ledger, capacity: 100_000, maxBytes: 1 << 30, clockMs: () => nowMs);
        using LiveSubscription limited = hub.Subscribe(new TransactionFilter { Method = "GET" }, perSecond);
        int taken = 0, mostInSlice = 0;
        for (int slice = 0; slice < 100; slice++, nowMs += 100)
        {
            for (int i = 0; i < 100; i++)
            {
                hub.OnTransaction(TestTransactions.Make(method: i % 50 == 49 ? "POST" : "GET"));
            }
            int before = taken;
            taken += Statuses(limited).Count;
            mostInSlice = slice < 20 ? 0 : Math.Max(mostInSlice, taken - before);
        }
        int wanted = 100 * 98;
        Assert.Equal(Math.Min(perSecond + (99 * perSecond / 10), wanted), taken);
        Assert.InRange(mostInSlice, 1, (perSecond / 10) + 1);
        Assert.Equal((wanted - taken, 0), (limited.Skipped, limited.Missed));
        Assert.Equal((wanted, taken, 0), (Stage.In.Value, Stage.Out.Value, Stage.Unaccounted));
        Assert.Equal(limited.Skipped, Stage.Dropped.Single(static reason => reason.Key == "rate_limit").Value.Value);

        nowMs += 3_600_000; // a second's worth, not an hour's
        for (int i = 0; i < 200; i++)
        {
            hub.OnTransaction(TestTransactions.Make());
        }
        Assert.Equal(Math.Min(200, perSecond), Statuses(limited).Count);
    }

    [Fact]
    public void What_is_skipped_for_one_reader_goes_to_others_and_events_always_pass()
    {
        LiveHub hub = new(_ledger, capacity: 3, clockMs: static () => 0);
        using LiveSubscription limited = hub.Subscribe(TransactionFilter.All, 1);
        using LiveSubscription all = hub.Subscribe(TransactionFilter.All);
        for (int i = 0; i < 4; i++)
        {
            hub.OnTransaction(TestTransactions.Make(status: 200 + i));
            hub.OnEvent(TestEvents.Kill(i, "web-1"));
        }
        Assert.Equal((3, 1), (limited.Skipped, limited.Missed)); // the fourth event did not fit the queue
        Assert.Equal((0, 2), (all.Skipped, all.Missed));
        Assert.Equal([200], Statuses(limited));
        Assert.Equal([200, 201, 202], Statuses(all));
        for (int i = 0; i < 3; i++)
        {
            Assert.True(limited.TryTake(out NodeEvent? _) && all.TryTake(out NodeEvent? _));
        }
        Assert.Equal((16, 10, 0), (Stage.In.Value, Stage.Out.Value, Stage.Unaccounted));
        Assert.Throws<ArgumentOutOfRangeException>(() => hub.Subscribe(TransactionFilter.All, 0));
    }

    [Fact]
    public void What_nobody_gets_is_not_copied()
    {
        LiveHub hub = new(_ledger, clockMs: static () => 0);
        using LiveSubscription limited = hub.Subscribe(TransactionFilter.All, 1);
        hub.OnTransaction(TestTransactions.Make());
        Transaction large = TestTransactions.Make(target: "/" + new string('x', 4000));
        AllocationRounds rounds = new();
        while (rounds.Next())
        {
            for (int i = 0; i < 100; i++)
            {
                hub.OnTransaction(in large);
            }
        }
        Assert.Equal((0, 0), (rounds.Least, Stage.Unaccounted));
        Assert.True(limited.Skipped >= 100);
    }

    [Fact]
    public async Task Waiting_ends_when_something_comes()
    {
        LiveHub hub = new(_ledger);
        using LiveSubscription subscription = hub.Subscribe(TransactionFilter.All);
        Task<bool> waiting = subscription.WaitAsync(Timeout.Infinite, TestContext.Current.CancellationToken).AsTask();
        Assert.False(waiting.IsCompleted);
        hub.OnTransaction(TestTransactions.Make());
        Assert.True(await waiting);
        Assert.False(await hub.Subscribe(TransactionFilter.All).WaitAsync(1, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void With_subscribers_the_steady_state_allocates_nothing()
    {
        LiveHub hub = new(_ledger);
        using LiveSubscription subscription = hub.Subscribe(new TransactionFilter { Method = "get", Role = "server", Workload = "nginx.service", Protocol = "HTTP", SlowerThanNs = 5 });
        Transaction transaction = TestTransactions.Make();
        long before = 0;
        for (int i = 0; i < 2000; i++)
        {
            if (i == 1000)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }
            hub.OnTransaction(in transaction);
            Assert.True(subscription.TryTake(out TransactionRecord? record));
            subscription.Return(record);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static List<int> Statuses(LiveSubscription subscription)
    {
        List<int> statuses = [];
        while (subscription.TryTake(out TransactionRecord? record))
        {
            statuses.Add(record.AsTransaction().Status);
            subscription.Return(record);
        }
        return statuses;
    }

    private static string Json(in Transaction transaction)
    {
        System.Buffers.ArrayBufferWriter<byte> output = new();
        TransactionJson.Write(output, in transaction);
        return System.Text.Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
