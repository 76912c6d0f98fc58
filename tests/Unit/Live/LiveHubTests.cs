using KubeBpfBox.Core.Accounting;
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
