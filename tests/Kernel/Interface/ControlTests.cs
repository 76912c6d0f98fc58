using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Kernel.Traffic;

namespace KubeBpfBox.Kernel.Interface;

/// <summary>What user space tells the filter, and what the filter then does.</summary>
public sealed class ControlTests
{
    [Fact]
    public void What_nobody_recognises_stays_in_the_kernel_until_the_next_connection_of_the_same_ports()
    {
        using PodNetwork network = new();
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        int clientPort, serverPort;
        using (TcpPair pair = TcpPair.Connect(PodNetwork.ServerIPv4, network.Server, network.Client))
        {
            clientPort = ((IPEndPoint)pair.Client.LocalEndPoint!).Port;
            serverPort = ((IPEndPoint)pair.Server.LocalEndPoint!).Port;
            TcpPair.Transfer(pair.Client, pair.Server, new byte[100]);
            TcpPair.Transfer(pair.Server, pair.Client, new byte[100]);
            fixture.Until(() => fixture.Flows.Engine.ConnectionCount == 0 && fixture.Dropped("stream", "not_recognised") == 200, "both sides rejected");
            long before = fixture.Dropped("interface_kernel", "ignored");
            TcpPair.Transfer(pair.Client, pair.Server, new byte[2_000_000]);
            Assert.True(fixture.Dropped("interface_kernel", "ignored") > before + 10, fixture.Describe());
            // Reset, so that the same four-tuple can be had again at once.
            pair.Server.LingerState = new LingerOption(true, 0);
        }
        AssertSeen(fixture, network, clientPort, serverPort);
        fixture.StopAndAssertLedger();
    }

    private static void AssertSeen(InterfaceFixture fixture, PodNetwork network, int clientPort, int serverPort)
    {
        byte[] message = TcpPair.Message(1000);
        using Socket listener = network.Server.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(PodNetwork.ServerIPv4, serverPort));
        listener.Listen(1);
        using Socket client = network.Client.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        client.Bind(new IPEndPoint(PodNetwork.ClientIPv4, clientPort));
        client.Connect(new IPEndPoint(PodNetwork.ServerIPv4, serverPort));
        client.Send(message);
        Seen seen = fixture.Of(client);
        fixture.Until(() => seen.Count(Side.A) == message.Length, "the second connection");
        Assert.True(message.AsSpan().SequenceEqual(fixture.Read(() => seen.Bytes(Side.A))));
    }

    [Fact]
    public void Bytes_that_are_not_wanted_are_not_copied()
    {
        const int Body = 20_000_000;
        using PodNetwork network = new();
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        // The first message says: the next 20 MB are of no interest.
        fixture.Recorder.Consume = static (_, side, data) => side == Side.B && data[0] == '!' ? data.Length + Body : data.Length;
        using (TcpPair pair = TcpPair.Connect(PodNetwork.ServerIPv4, network.Server, network.Client))
        {
            TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(10));
            byte[] head = new byte[100];
            head[0] = (byte)'!';
            TcpPair.Transfer(pair.Server, pair.Client, head);
            Seen seen = fixture.Of(pair.Client);
            fixture.Until(() => seen.Count(Side.B) == head.Length, "the head");
            TcpPair.Transfer(pair.Server, pair.Client, new byte[Body]);
            byte[] tail = [.. Enumerable.Repeat((byte)'z', 500)];
            TcpPair.Transfer(pair.Server, pair.Client, tail);
            fixture.Until(() => seen.Count(Side.B) == head.Length + tail.Length, "what follows the body");
            Assert.Empty(seen.GapsOf(Side.B));
            Assert.True(tail.AsSpan().SequenceEqual(fixture.Read(() => seen.DataOf(Side.B)[^1].Bytes)));
        }
        fixture.StopAndAssertLedger();
        Assert.True(fixture.Dropped("interface_kernel", "not_wanted") > Body / 65_536, fixture.Describe());
        Assert.Equal(0, fixture.Dropped("interface", "ring_full"));
    }

    [Fact]
    public void Of_a_burst_only_the_beginning_is_copied_and_what_follows_is_seen_again()
    {
        const int Burst = 20_000_000;
        using PodNetwork network = new();
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        using (TcpPair pair = TcpPair.Connect(PodNetwork.ServerIPv4, network.Server, network.Client))
        {
            TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(10));
            TcpPair.Transfer(pair.Server, pair.Client, TcpPair.Message(Burst));
            TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(10));
            byte[] answer = TcpPair.Message(100_000, seed: 3);
            TcpPair.Transfer(pair.Server, pair.Client, answer);
            Seen seen = fixture.Of(pair.Client);
            fixture.Until(() => seen.Count(Side.A) == 20 && seen.DataOf(Side.B).SelectMany(static one => one.Bytes).TakeLast(answer.Length).SequenceEqual(answer), "the next answer, whole");
        }
        fixture.StopAndAssertLedger();
        // How much depends on how fast the machine is.
        Assert.True(fixture.Dropped("stream", "not_captured") > Burst / 10, fixture.Describe());
        Assert.Equal(0, fixture.Dropped("interface", "ring_full"));
    }

    [Fact]
    public void A_connection_joined_inside_a_download_is_recognised_at_its_next_message()
    {
        using PodNetwork network = new();
        using TcpPair pair = TcpPair.Connect(PodNetwork.ServerIPv4, network.Server, network.Client);
        TcpPair.Transfer(pair.Server, pair.Client, new byte[100_000]);
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        for (int i = 0; i < 40; i++)
        {
            TcpPair.Transfer(pair.Server, pair.Client, new byte[100_000]);
            Thread.Sleep(5);
        }
        byte[] message = TcpPair.Message(300);
        TcpPair.Transfer(pair.Client, pair.Server, message);
        Seen seen = fixture.Of(pair.Client);
        fixture.Until(() => seen.Count(Side.A) + seen.Count(Side.B) == message.Length, "the message");
        Assert.False(seen.FromStart);
        fixture.StopAndAssertLedger();
        Assert.True(fixture.Dropped("interface_kernel", "not_wanted") > 0, fixture.Describe());
    }

    [Fact]
    public void Packets_that_find_the_ring_full_are_counted_and_the_bytes_are_gaps()
    {
        using PodNetwork network = new();
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge, ringBytes: 256 * 1024);
        byte[] sent = TcpPair.Message(8_000_000);
        using (TcpPair pair = TcpPair.Connect(PodNetwork.ServerIPv4, network.Server, network.Client))
        {
            TcpPair.Transfer(pair.Client, pair.Server, sent[..1000]);
            Seen seen = fixture.Of(pair.Client);
            fixture.Until(() => seen.Count(Side.A) == 1000, "the beginning");
            // The reading thread waits for the gate meanwhile.
            fixture.Read(() =>
            {
                TcpPair.Transfer(pair.Client, pair.Server, sent[1000..]);
                return true;
            });
            fixture.Until(() => fixture.Dropped("interface", "ring_full") > 0, "refused packets");
            Thread.Sleep(100);
            // There is room again, and what comes now tells what is missing.
            TcpPair.Transfer(pair.Client, pair.Server, sent[..1000]);
            fixture.Until(() => seen.Count(Side.A) >= 2000 && seen.GapsOf(Side.A).Count > 0, "the bytes behind the gap");
        }
        fixture.StopAndAssertLedger();
        Assert.Equal(fixture.Plugin.ReadRefused(), fixture.Dropped("interface", "ring_full"));
        Assert.True(fixture.Flows.Engine.LostBytes.Value > 1_000_000, $"{fixture.Flows.Engine.LostBytes.Value}");
        Seen all = fixture.Recorder.Connections[0];
        Assert.Equal(fixture.Flows.Engine.LostBytes.Value, all.AssertCovers(Side.A, [.. sent, .. sent[..1000]]));
    }
}
