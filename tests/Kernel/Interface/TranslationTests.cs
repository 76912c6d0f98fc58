using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Kernel.Traffic;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Interface;

/// <summary>A Service's address, translated by rules of the node, as the bridge shows it.</summary>
public sealed class TranslationTests
{
    private const string ServiceAddress = "10.96.0.10";
    private const int ServicePort = 80;
    private const int TargetPort = 8080;

    [Fact]
    public void Requests_to_the_server_and_answers_from_the_Service_are_one_connection()
    {
        // With br_netfilter the bridge shows what the client sends behind the translation and what it gets before it is undone.
        using PodNetwork network = new();
        NetworkNamespace outside = network.AddOutside();
        network.FilterBridged(true);
        network.AddService(ServiceAddress, ServicePort, $"{PodNetwork.OutsideAddress}:{TargetPort}");
        Seen seen = AssertExchange(network, outside, PodNetwork.OutsideAddress);
        Assert.Equal(End(PodNetwork.OutsideAddress, TargetPort), seen.Remote);
    }

    [Fact]
    public void Without_filtering_of_bridged_packets_the_client_sees_and_shows_the_Service()
    {
        using PodNetwork network = new();
        NetworkNamespace outside = network.AddOutside();
        network.FilterBridged(false);
        network.AddService(ServiceAddress, ServicePort, $"{PodNetwork.OutsideAddress}:{TargetPort}");
        Seen seen = AssertExchange(network, outside, PodNetwork.OutsideAddress);
        Assert.Equal(End(IPAddress.Parse(ServiceAddress), ServicePort), seen.Remote);
    }

    [Fact]
    public void Two_pods_of_one_bridge_are_shown_by_their_own_addresses()
    {
        using PodNetwork network = new();
        network.FilterBridged(true);
        network.Node.Sysctl("ipv4/ip_forward", "1");
        network.AddService(ServiceAddress, ServicePort, $"{PodNetwork.ServerIPv4}:{TargetPort}");
        Seen seen = AssertExchange(network, network.Server, PodNetwork.ServerIPv4);
        Assert.Equal(End(PodNetwork.ServerIPv4, TargetPort), seen.Remote);
    }

    private static Seen AssertExchange(PodNetwork network, NetworkNamespace serverSide, IPAddress target)
    {
        byte[] request = TcpPair.Message(5000), answer = TcpPair.Message(200_000, seed: 2);
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        using Socket listener = serverSide.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(target, TargetPort));
        listener.Listen(1);
        using (Socket client = network.Client.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)))
        {
            client.Connect(new IPEndPoint(IPAddress.Parse(ServiceAddress), ServicePort));
            using Socket server = listener.Accept();
            TcpPair.Transfer(client, server, request);
            TcpPair.Transfer(server, client, answer);
            Seen seen() => fixture.Recorder.Connections[0];
            fixture.Until(() => fixture.Recorder.Connections.Count == 1 && seen().Count(Side.A) == request.Length && seen().Count(Side.B) == answer.Length, "both directions on one connection");
        }
        fixture.Until(() => fixture.Flows.Engine.ConnectionCount == 0, "the end");
        Seen all = Assert.Single(fixture.Recorder.Connections);
        Assert.True(all.FromStart);
        Assert.True(request.AsSpan().SequenceEqual(all.Bytes(Side.A)));
        Assert.True(answer.AsSpan().SequenceEqual(all.Bytes(Side.B)));
        Assert.Equal(EndReason.Finished, all.Closed);
        fixture.StopAndAssertLedger();
        return all;
    }

    private static Endpoint End(IPAddress address, int port) => Endpoint.From(address.GetAddressBytes(), (ushort)port);
}
