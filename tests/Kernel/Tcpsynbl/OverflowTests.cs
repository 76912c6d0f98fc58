using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Plugins.Tcpsynbl;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Tcpsynbl;

/// <summary>Clients that meet a full accept queue: what is reported is what the kernel counts as ListenOverflows.</summary>
public sealed class OverflowTests
{
    private const int Clients = 50;

    public static TheoryData<string, string, int> Listeners => new()
    {
        { "0.0.0.0", "10.200.0.1", 4 },
        { "10.200.0.1", "10.200.0.1", 4 },
        { "fd00:200::1", "fd00:200::1", 4 },
        { "::", "fd00:200::1", 4 },
        { "::", "10.200.0.1", 4 }, // dual stack
        { "0.0.0.0", "10.200.0.1", 0 },
        { "0.0.0.0", "10.200.0.1", 1 },
        { "0.0.0.0", "10.200.0.1", 128 },
    };

    [Theory]
    [MemberData(nameof(Listeners))]
    public void The_count_is_the_kernels_and_the_event_says_who_and_where(string listenOn, string connectTo, int backlog)
    {
        using QueueFixture fixture = new();
        IPAddress address = IPAddress.Parse(connectTo);
        Socket listener = fixture.Listen(IPAddress.Parse(listenOn), backlog);
        fixture.Connect(backlog + Clients, address, QueueFixture.PortOf(listener));
        // A queue of limit 4 holds 5.
        fixture.Until(() => fixture.KernelOverflows >= Clients - 1 && fixture.Reported >= Clients - 1, "the refusals");
        fixture.StopAndAssertEqual();

        uint netns = fixture.Net.Server.Inode;
        Endpoint at = Endpoint.From(IPAddress.Parse(listenOn).GetAddressBytes(), (ushort)QueueFixture.PortOf(listener));
        IPAddress client = address.AddressFamily == AddressFamily.InterNetwork ? BridgeTopology.ClientIPv4 : BridgeTopology.ClientIPv6;
        Assert.All(fixture.Events, happened =>
        {
            Assert.Equal((backlog + 1, backlog), (happened.QueueLength, happened.QueueLimit));
            Assert.Equal((at, netns), (happened.Listener, happened.NetworkNamespace));
            Assert.Equal(client, happened.Client.Address);
            Assert.NotEqual(0, happened.Client.Port);
            Assert.Equal(("server", $"client {client}"), (happened.Workload.Name, happened.ClientWorkload.Name));
            Assert.InRange(DateTime.UnixEpoch.AddTicks(happened.TimeNs / 100), DateTime.UtcNow.AddMinutes(-2), DateTime.UtcNow);
        });
        Assert.Equal((fixture.Cgroup.Id, netns, at), Assert.Single(fixture.Asked));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("2")]
    public void The_count_is_the_kernels_whatever_it_does_about_cookies(string syncookies)
    {
        using QueueFixture fixture = new();
        fixture.Net.Server.Sysctl("ipv4/tcp_syncookies", syncookies);
        Socket listener = fixture.Listen(IPAddress.Any, 4);
        fixture.Connect(Clients, BridgeTopology.ServerIPv4, QueueFixture.PortOf(listener));
        fixture.Until(() => fixture.KernelOverflows >= 40, "the refusals");
        fixture.StopAndAssertEqual();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public void Clients_that_send_and_lost_packets_that_come_again_count_as_the_kernel_counts_them(string abortOnOverflow)
    {
        using QueueFixture fixture = new();
        fixture.Net.Server.Sysctl("ipv4/tcp_abort_on_overflow", abortOnOverflow);
        Socket listener = fixture.Listen(IPAddress.IPv6Any, 4);
        List<Socket> clients = fixture.Connect(Clients, BridgeTopology.ServerIPv4, QueueFixture.PortOf(listener));
        fixture.Until(() => fixture.KernelOverflows >= 45, "the refusals");
        foreach (Socket client in clients)
        {
            // Those that shook hands send; the others are still at their SYN, which comes again after a second and after three.
            _ = client.Poll(0, SelectMode.SelectWrite) && client.Send("data"u8, SocketFlags.None, out _) > 0;
        }
        long before = fixture.KernelOverflows;
        fixture.Until(() => fixture.KernelOverflows >= before + 80, "two retransmissions of each SYN");
        fixture.StopAndAssertEqual();
        Assert.True(fixture.Events.Count >= 3, "bursts a second apart are events of their own");
    }

    [Fact]
    public void Of_listeners_that_share_a_port_each_has_its_own_count()
    {
        using QueueFixture fixture = new();
        Socket one = fixture.Listen(IPAddress.Any, 4, reusePort: true);
        fixture.Listen(IPAddress.Any, 9, QueueFixture.PortOf(one), reusePort: true);
        fixture.Connect(2 * Clients, BridgeTopology.ServerIPv4, QueueFixture.PortOf(one));
        fixture.Until(() => fixture.KernelOverflows >= 2 * Clients - 15, "the refusals");
        fixture.StopAndAssertEqual();
        Assert.Equal([4L, 9L], fixture.Events.Select(static happened => happened.QueueLimit).Distinct().Order());
    }

    [Fact]
    public void A_listener_opened_after_another_was_closed_starts_anew()
    {
        using QueueFixture fixture = new();
        Socket first = fixture.Listen(IPAddress.Any, 4);
        int port = QueueFixture.PortOf(first);
        fixture.Connect(20, BridgeTopology.ServerIPv4, port);
        fixture.Until(() => fixture.Reported >= 15, "the first refusals");
        fixture.Settle();
        first.Dispose();
        fixture.Until(() => fixture.Plugin.Listeners.Count == 0, "the closed one forgotten");
        Socket second = fixture.Listen(IPAddress.Any, 2, port, reusePort: true);
        fixture.Connect(20, BridgeTopology.ServerIPv4, port);
        fixture.Until(() => fixture.QueueOf(second) is { Overflows: >= 17 }, "the second refusals");
        ListenerQueue queue = Assert.Single(fixture.Plugin.Listeners);
        Assert.Equal((2, 3), (queue.Limit, queue.HighestLength));
        fixture.StopAndAssertEqual();
        Assert.Equal(fixture.Events.Where(static happened => happened.QueueLimit == 2).Sum(static happened => happened.Count), queue.Overflows);
    }

    [Fact]
    public void A_queue_that_is_nearly_full_shows_and_is_no_event()
    {
        using QueueFixture fixture = new();
        Socket listener = fixture.Listen(IPAddress.Any, 10);
        for (int round = 0; round < 20; round++)
        {
            List<Socket> clients = fixture.Connect(10, BridgeTopology.ServerIPv4, QueueFixture.PortOf(listener));
            clients.ForEach(_ => listener.Accept().Dispose());
        }
        fixture.Until(() => fixture.QueueOf(listener) is { HighestLength: 9 }, "nine of ten");
        ListenerQueue queue = Assert.Single(fixture.Plugin.Listeners);
        Assert.Equal((10, 0, fixture.Net.Server.Inode, "server"), (queue.Limit, queue.Overflows, queue.NetworkNamespace, queue.Workload.Name));
        fixture.StopAndAssertEqual();
        Assert.Empty(fixture.Events);
        Assert.Equal(0, fixture.KernelOverflows);
    }

    [Fact]
    public void The_highest_length_is_that_of_late()
    {
        using QueueFixture fixture = new(new() { PollInterval = TimeSpan.FromMilliseconds(50), Window = TimeSpan.FromSeconds(1) });
        Socket listener = fixture.Listen(IPAddress.Any, 10);
        fixture.Connect(8, BridgeTopology.ServerIPv4, QueueFixture.PortOf(listener)).ForEach(_ => listener.Accept().Dispose());
        fixture.Until(() => fixture.QueueOf(listener) is { HighestLength: 7 }, "seven waiting when the last came");
        fixture.Until(() => fixture.QueueOf(listener) is { HighestLength: 0, Limit: 10 }, "none of late");
        fixture.Connect(3, BridgeTopology.ServerIPv4, QueueFixture.PortOf(listener));
        fixture.Until(() => fixture.QueueOf(listener) is { HighestLength: 2 }, "two waiting when the last came");
    }

    [Fact]
    public void A_quiet_listener_is_forgotten_and_nothing_of_it_is_counted_twice_or_lost()
    {
        using QueueFixture fixture = new(new() { PollInterval = TimeSpan.FromMilliseconds(50), QuietAfter = TimeSpan.FromMilliseconds(300) });
        Socket listener = fixture.Listen(IPAddress.Any, 4);
        for (int round = 1; round <= 2; round++)
        {
            fixture.Connect(20, BridgeTopology.ServerIPv4, QueueFixture.PortOf(listener));
            fixture.Until(() => fixture.QueueOf(listener) is { Overflows: >= 15 }, "the refusals");
            fixture.Settle();
            fixture.Until(() => fixture.Plugin.Listeners.Count == 0, "the quiet one forgotten");
        }
        fixture.StopAndAssertEqual();
    }

    [Fact]
    public void Refusals_of_listeners_that_there_is_no_room_for_are_counted_as_such()
    {
        using QueueFixture fixture = new(new() { PollInterval = TimeSpan.FromMilliseconds(100), MaxListeners = 1 });
        Socket known = fixture.Listen(IPAddress.Any, 4), unknown = fixture.Listen(IPAddress.Any, 4);
        fixture.Connect(20, BridgeTopology.ServerIPv4, QueueFixture.PortOf(known));
        fixture.Until(() => fixture.Reported >= 15, "the first refusals");
        fixture.Connect(30, BridgeTopology.ServerIPv4, QueueFixture.PortOf(unknown));
        fixture.Until(() => fixture.KernelOverflows >= 40, "the second refusals");
        fixture.Settle();
        fixture.Stop();
        LedgerStage stage = fixture.Ledger.Stages[0];
        Assert.Equal(("no_room", 0L), (stage.Dropped[0].Key, stage.Unaccounted));
        Assert.Equal(fixture.KernelOverflows, stage.In.Value);
        Assert.True(stage.Dropped[0].Value.Value >= 25, fixture.Describe());
        Assert.All(fixture.Events, happened => Assert.Equal(QueueFixture.PortOf(known), happened.Listener.Port));
    }

    [Fact]
    public void What_was_not_polled_yet_is_held_and_reported_at_the_end()
    {
        using QueueFixture fixture = new(new() { PollInterval = TimeSpan.FromHours(1) });
        Socket listener = fixture.Listen(IPAddress.Any, 4);
        fixture.Connect(20, BridgeTopology.ServerIPv4, QueueFixture.PortOf(listener));
        fixture.Until(() => fixture.Counted >= 15, "the refusals");
        fixture.Settle();
        fixture.Ledger.Refresh();
        LedgerStage stage = fixture.Ledger.Stages[0];
        Assert.Equal((0L, fixture.KernelOverflows, 0L), (stage.Out.Value, stage.Held!(), stage.Unaccounted));
        fixture.StopAndAssertEqual();
        AcceptQueueOverflowEvent happened = Assert.Single(fixture.Events);
        // On a slow machine some of the first five SYNs are let in together, and the last of their handshakes finds the queue full.
        Assert.InRange(happened.SynCount, happened.Count - 5, happened.Count);
    }
}
