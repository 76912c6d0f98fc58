using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Traffic;

/// <summary>What one socket sends is what the tap shows at both ends, whatever the packets look like.</summary>
public sealed class DeliveryTests
{
    private const int IPv6Level = 41, IPv6DestinationOptions = 59, IPv6HopByHopOptions = 54, IPv4Options = 4;

    [Theory]
    [InlineData("127.0.0.1", null)]
    [InlineData("::1", null)]
    [InlineData("127.0.0.1", "::")]
    public void Both_ends_show_all_bytes_on_loopback(string address, string? listenOn)
    {
        using TapFixture fixture = new();
        using TcpPair pair = TcpPair.Connect(IPAddress.Parse(address), listenOn: listenOn is null ? null : IPAddress.Parse(listenOn));
        Exchange(fixture, pair);
        fixture.StopAndAssertLedger();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Both_ends_show_all_bytes_over_a_bridge(bool ipv6)
    {
        using BridgeTopology topology = new();
        using TapFixture fixture = new();
        using TcpPair pair = TcpPair.Connect(ipv6 ? BridgeTopology.ServerIPv6 : BridgeTopology.ServerIPv4, topology.Server, topology.Client);
        Exchange(fixture, pair);
        fixture.StopAndAssertLedger();
    }

    [Theory]
    [InlineData(IPv6DestinationOptions)]
    [InlineData(IPv6HopByHopOptions)]
    public void IPv6_extension_headers_are_followed(int option)
    {
        using BridgeTopology topology = new();
        using TapFixture fixture = new();
        // RFC 8200 section 4.2: next header (filled in by the kernel), length 0 = 8 bytes, PadN over the rest.
        using TcpPair pair = TcpPair.Connect(BridgeTopology.ServerIPv6, topology.Server, topology.Client,
            prepare: socket => socket.SetRawSocketOption(IPv6Level, option, [0, 0, 1, 4, 0, 0, 0, 0]));
        Exchange(fixture, pair);
        Assert.Equal(0ul, fixture.Counters.NotParsed);
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void A_chain_of_extension_headers_is_followed()
    {
        using BridgeTopology topology = new();
        using TapFixture fixture = new();
        using TcpPair pair = TcpPair.Connect(BridgeTopology.ServerIPv6, topology.Server, topology.Client, prepare: socket =>
        {
            socket.SetRawSocketOption(IPv6Level, IPv6HopByHopOptions, [0, 0, 1, 4, 0, 0, 0, 0]);
            // 3 * 8 bytes more, in an option for experiments that may be skipped (RFC 4727): Linux drops long padding.
            socket.SetRawSocketOption(IPv6Level, IPv6DestinationOptions, [0, 3, 0x1e, 28, .. new byte[28]]);
        });
        Exchange(fixture, pair);
        Assert.Equal(0ul, fixture.Counters.NotParsed);
        fixture.StopAndAssertLedger();
    }

    [Theory]
    [InlineData(4)]
    [InlineData(40)]
    public void IPv4_options_are_skipped(int length)
    {
        using BridgeTopology topology = new();
        using TapFixture fixture = new();
        byte[] options = new byte[length];
        Array.Fill(options, (byte)1); // RFC 791: no operation
        using TcpPair pair = TcpPair.Connect(BridgeTopology.ServerIPv4, topology.Server, topology.Client,
            prepare: socket => socket.SetRawSocketOption((int)SocketOptionLevel.IP, IPv4Options, options));
        Exchange(fixture, pair);
        Assert.Equal(0ul, fixture.Counters.NotParsed);
        fixture.StopAndAssertLedger();
    }

    [Theory]
    [InlineData(16_384)]
    [InlineData(1_000)]
    [InlineData(100)]
    public void Of_a_large_packet_its_beginning_is_captured_and_the_rest_is_a_gap(int bytesPerPacket)
    {
        using TapFixture fixture = new(new() { RingBytes = 16 * 1024 * 1024, BytesPerPacket = bytesPerPacket });
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        byte[] hello = TcpPair.Message(64);
        TcpPair.Transfer(pair.Client, pair.Server, hello);
        Seen client = fixture.At(pair.Client), server = fixture.At(pair.Server);
        byte[] large = TcpPair.Message(256 * 1024, seed: 2);
        TcpPair.Transfer(pair.Client, pair.Server, large);
        byte[] sent = [.. hello, .. large];
        AssertCut(fixture, client, Side.A, sent, bytesPerPacket);
        AssertCut(fixture, server, Side.B, sent, bytesPerPacket);
        Assert.Equal(0ul, fixture.Counters.RingFull);
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void A_thousand_small_messages_stay_a_thousand_runs_in_order()
    {
        using TapFixture fixture = new();
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        List<byte> sent = [];
        for (int i = 0; i < 1000; i++)
        {
            byte[] message = TcpPair.Message(1 + (i * 7 % 1500), seed: i);
            sent.AddRange(message);
            TcpPair.Transfer(pair.Client, pair.Server, message);
        }
        fixture.AssertBothSaw(pair.Client, pair.Server, [.. sent], []);
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void Other_protocols_than_tcp_are_counted_and_left()
    {
        using TapFixture fixture = new();
        using Socket receiver = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using Socket sender = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        sender.SendTo(TcpPair.Message(100), receiver.LocalEndPoint!);
        fixture.Until(() => fixture.Counters.NotTcp == 2, "a datagram seen at both sockets");
        Assert.Equal(0ul, fixture.Counters.Submitted);
        fixture.AssertPacketsBalance();
    }

    /// <summary>Several writes of many sizes in both directions, none of them larger than what is captured of a packet.</summary>
    private static void Exchange(TapFixture fixture, TcpPair pair)
    {
        List<byte> fromClient = [], fromServer = [];
        int seed = 10;
        foreach (int size in new[] { 5, 127, 128, 129, 1000, 1024, 4096, 1, 16_000, 3000 })
        {
            byte[] request = TcpPair.Message(size, seed++), answer = TcpPair.Message((size * 3 % 10_000) + 1, seed++);
            TcpPair.Transfer(pair.Client, pair.Server, request);
            fromClient.AddRange(request);
            fixture.At(pair.Client); // from here on the sockets are captured in full
            fixture.At(pair.Server);
            TcpPair.Transfer(pair.Server, pair.Client, answer);
            fromServer.AddRange(answer);
        }
        fixture.AssertBothSaw(pair.Client, pair.Server, [.. fromClient], [.. fromServer]);
        fixture.AssertPacketsBalance();
    }

    private static void AssertCut(TapFixture fixture, Seen seen, Side side, byte[] sent, int bytesPerPacket)
    {
        fixture.Until(() => seen.Count(side) + seen.GapsOf(side).Sum(static gap => gap.Length) >= sent.Length, "all bytes, as data or as gaps");
        fixture.Read(() =>
        {
            long lost = seen.AssertCovers(side, sent);
            Assert.InRange(lost, 1, sent.Length - 64 - bytesPerPacket);
            Assert.All(seen.DataOf(side), run => Assert.InRange(run.Bytes.Length, 1, bytesPerPacket));
            return true;
        });
    }
}
