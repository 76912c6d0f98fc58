using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Kernel.Traffic;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Interface;

public sealed class CaptureTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Both_directions_between_two_pods_are_seen_whole(bool ipv6)
    {
        using PodNetwork network = new();
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        byte[] request = TcpPair.Message(3000), answer = TcpPair.Message(200_000, seed: 2);
        using (TcpPair pair = TcpPair.Connect(ipv6 ? PodNetwork.ServerIPv6 : PodNetwork.ServerIPv4, network.Server, network.Client))
        {
            TcpPair.Transfer(pair.Client, pair.Server, request);
            Seen seen = fixture.Of(pair.Client);
            TcpPair.Transfer(pair.Server, pair.Client, answer);
            fixture.Until(() => seen.Count(Side.A) == request.Length && seen.Count(Side.B) == answer.Length, "all bytes");
            Assert.True(seen.FromStart);
            Assert.Equal(TapFixture.EndpointOf(pair.Client.LocalEndPoint), seen.Local);
            Assert.True(request.AsSpan().SequenceEqual(fixture.Read(() => seen.Bytes(Side.A))));
            Assert.True(answer.AsSpan().SequenceEqual(fixture.Read(() => seen.Bytes(Side.B))));
        }
        fixture.StopAndAssertLedger();
        Assert.Equal(0, fixture.Dropped("interface", "ring_full"));
    }

    [Fact]
    public void Loopback_shows_each_packet_once()
    {
        using NetworkNamespace network = new();
        using InterfaceFixture fixture = new(network, "lo");
        byte[] request = TcpPair.Message(50_000), answer = TcpPair.Message(200_000, seed: 2);
        using (TcpPair pair = TcpPair.Connect(IPAddress.Loopback, network, network))
        {
            TcpPair.Transfer(pair.Client, pair.Server, request);
            Seen seen = fixture.Of(pair.Client);
            TcpPair.Transfer(pair.Server, pair.Client, answer);
            fixture.Until(() => seen.Count(Side.A) == request.Length && seen.Count(Side.B) == answer.Length, "all bytes");
            Assert.True(answer.AsSpan().SequenceEqual(fixture.Read(() => seen.Bytes(Side.B))));
        }
        fixture.StopAndAssertLedger();
        // A slow machine retransmits now and then; all of it twice would be more.
        Assert.InRange(fixture.Dropped("stream", "duplicate"), 0, (request.Length + answer.Length) / 2);
        Assert.True(fixture.Dropped("interface_kernel", "looped") > 10, fixture.Describe());
    }

    [Fact]
    public void Other_protocols_stay_in_the_kernel()
    {
        using PodNetwork network = new();
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        const int Datagrams = 50;
        using Socket receiver = network.Server.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        receiver.Bind(new IPEndPoint(PodNetwork.ServerIPv4, 5353));
        using Socket sender = network.Client.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        for (int i = 0; i < Datagrams; i++)
        {
            sender.SendTo(TcpPair.Message(900), new IPEndPoint(PodNetwork.ServerIPv4, 5353));
        }
        // Fragments of UDP, too.
        sender.SendTo(TcpPair.Message(9000), new IPEndPoint(PodNetwork.ServerIPv4, 5353));
        using (TcpPair pair = TcpPair.Connect(PodNetwork.ServerIPv4, network.Server, network.Client))
        {
            TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(10));
            Seen seen = fixture.Of(pair.Client);
            fixture.Until(() => seen.Count(Side.A) == 10, "the TCP connection among the rest");
        }
        fixture.StopAndAssertLedger();
        // The datagrams, 7 fragments, and ARP both ways.
        Assert.True(fixture.Dropped("interface_kernel", "not_tcp") >= Datagrams + 7 + 2, fixture.Describe());
        Assert.Equal(0, fixture.Dropped("interface", "udp") + fixture.Dropped("interface", "not_ip") + fixture.Dropped("interface", "fragment"));
    }
}
