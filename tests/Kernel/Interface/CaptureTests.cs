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
        fixture.UntilTaken(network);
        byte[] request = TcpPair.Message(3000), answer = TcpPair.Message(400_000, seed: 2);
        using (TcpPair pair = TcpPair.Connect(ipv6 ? PodNetwork.ServerIPv6 : PodNetwork.ServerIPv4, network.Server, network.Client))
        {
            TcpPair.Transfer(pair.Client, pair.Server, request);
            TcpPair.Transfer(pair.Server, pair.Client, answer);
            Seen seen = fixture.Of(pair.Client);
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
        fixture.Until(() => fixture.Plugin.Hook.Attached && InterfaceFixture.PacketSockets(network) > 0, "capture");
        byte[] request = TcpPair.Message(50_000), answer = TcpPair.Message(500_000, seed: 2);
        using (TcpPair pair = TcpPair.Connect(IPAddress.Loopback, network, network))
        {
            TcpPair.Transfer(pair.Client, pair.Server, request);
            TcpPair.Transfer(pair.Server, pair.Client, answer);
            Seen seen = fixture.Of(pair.Client);
            fixture.Until(() => seen.Count(Side.A) == request.Length && seen.Count(Side.B) == answer.Length, "all bytes");
            Assert.True(answer.AsSpan().SequenceEqual(fixture.Read(() => seen.Bytes(Side.B))));
        }
        fixture.StopAndAssertLedger();
        Assert.Equal(0, fixture.Dropped("stream", "duplicate"));
        Assert.True(fixture.Dropped("interface_kernel", "looped") > 10, fixture.Describe());
    }

    [Fact]
    public void Other_protocols_stay_in_the_kernel()
    {
        using PodNetwork network = new();
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        fixture.UntilTaken(network);
        const int Datagrams = 50;
        using Socket receiver = network.Server.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        receiver.Bind(new IPEndPoint(PodNetwork.ServerIPv4, 5353));
        using Socket sender = network.Client.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        for (int i = 0; i < Datagrams; i++)
        {
            sender.SendTo(TcpPair.Message(900), new IPEndPoint(PodNetwork.ServerIPv4, 5353));
        }
        network.Client.Run("ping", "-c", "3", "-i", "0.05", $"{PodNetwork.ServerIPv4}");
        network.Client.Run("ping", "-c", "3", "-i", "0.05", $"{PodNetwork.ServerIPv6}");
        // Fragments of UDP, too.
        sender.SendTo(TcpPair.Message(9000), new IPEndPoint(PodNetwork.ServerIPv4, 5353));
        using (TcpPair pair = TcpPair.Connect(PodNetwork.ServerIPv4, network.Server, network.Client))
        {
            TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(10));
            Seen seen = fixture.Of(pair.Client);
            fixture.Until(() => seen.Count(Side.A) == 10, "the TCP connection among the rest");
        }
        fixture.StopAndAssertLedger();
        // 50 datagrams, 7 fragments, 12 echoes.
        Assert.True(fixture.Dropped("interface_kernel", "not_tcp") >= Datagrams + 7 + 12, fixture.Describe());
        Assert.Equal(0, fixture.Dropped("interface", "udp") + fixture.Dropped("interface", "not_ip") + fixture.Dropped("interface", "fragment"));
    }

    [Theory]
    [InlineData("802.1Q")]
    [InlineData("802.1ad")]
    public void Tagged_frames_are_followed(string protocol)
    {
        using PodNetwork network = new();
        foreach ((NetworkNamespace pod, string address) in new[] { (network.Client, "10.9.0.2/24"), (network.Server, "10.9.0.3/24") })
        {
            pod.Ip("link", "add", "link", "eth0", "name", "tagged", "type", "vlan", "protocol", protocol, "id", "7");
            pod.Ip("address", "add", address, "dev", "tagged");
            pod.Ip("link", "set", "tagged", "up");
        }
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        fixture.UntilTaken(network);
        AssertWhole(fixture, network, IPAddress.Parse("10.9.0.3"));
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void A_tag_within_a_tag_is_followed()
    {
        using PodNetwork network = new();
        foreach ((NetworkNamespace pod, string address) in new[] { (network.Client, "10.9.0.2/24"), (network.Server, "10.9.0.3/24") })
        {
            pod.Ip("link", "add", "link", "eth0", "name", "outer", "type", "vlan", "protocol", "802.1ad", "id", "7");
            pod.Ip("link", "set", "outer", "up");
            pod.Ip("link", "add", "link", "outer", "name", "inner", "type", "vlan", "id", "8");
            pod.Ip("address", "add", address, "dev", "inner");
            pod.Ip("link", "set", "inner", "up");
        }
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        fixture.UntilTaken(network);
        AssertWhole(fixture, network, IPAddress.Parse("10.9.0.3"));
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void A_device_without_link_header_is_followed()
    {
        using PodNetwork network = new();
        foreach ((NetworkNamespace pod, string own, string other, string address) in new[] { (network.Client, "10.244.0.2", "10.244.0.3", "10.9.0.2/24"), (network.Server, "10.244.0.3", "10.244.0.2", "10.9.0.3/24") })
        {
            pod.Ip("tunnel", "add", "tunnel", "mode", "ipip", "local", own, "remote", other);
            pod.Ip("address", "add", address, "dev", "tunnel");
            pod.Ip("link", "set", "tunnel", "up");
        }
        using InterfaceFixture fixture = new(network.Server, "tunnel");
        fixture.Until(() => fixture.Plugin.Hook.Attached && InterfaceFixture.PacketSockets(network.Server) > 0, "capture");
        AssertWhole(fixture, network, IPAddress.Parse("10.9.0.3"));
        fixture.StopAndAssertLedger();
    }

    private static void AssertWhole(InterfaceFixture fixture, PodNetwork network, IPAddress server)
    {
        byte[] request = TcpPair.Message(5000), answer = TcpPair.Message(100_000, seed: 2);
        using TcpPair pair = TcpPair.Connect(server, network.Server, network.Client);
        TcpPair.Transfer(pair.Client, pair.Server, request);
        TcpPair.Transfer(pair.Server, pair.Client, answer);
        Seen seen = fixture.Of(pair.Client);
        fixture.Until(() => seen.Count(Side.A) == request.Length && seen.Count(Side.B) == answer.Length, "all bytes");
        Assert.True(request.AsSpan().SequenceEqual(fixture.Read(() => seen.Bytes(Side.A))));
        Assert.True(answer.AsSpan().SequenceEqual(fixture.Read(() => seen.Bytes(Side.B))));
    }
}
