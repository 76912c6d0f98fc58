using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Traffic;

/// <summary>Connections as a whole: how they begin, whose they are, how they end.</summary>
public sealed class ConnectionTests
{
    private const int TcpLevel = 6, TcpInfo = 11, TcpFastOpen = 23, TcpFastOpenConnect = 30;

    [Fact]
    public void A_connection_older_than_the_tap_is_joined_in_the_middle()
    {
        using TapFixture fixture = new(attach: false);
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(5000));
        TcpPair.Transfer(pair.Server, pair.Client, TcpPair.Message(5000));
        fixture.Attach();
        byte[] request = TcpPair.Message(700, seed: 5), answer = TcpPair.Message(900, seed: 6);
        TcpPair.Transfer(pair.Client, pair.Server, request);
        TcpPair.Transfer(pair.Server, pair.Client, answer);
        foreach ((Socket socket, byte[] sent, byte[] received) in new[] { (pair.Client, request, answer), (pair.Server, answer, request) })
        {
            Seen seen = fixture.At(socket);
            fixture.Until(() => seen.Count(Side.A) == sent.Length && seen.Count(Side.B) == received.Length, "both messages");
            Assert.False(seen.FromStart);
            Assert.Equal(sent, fixture.Read(() => seen.Bytes(Side.A)));
            Assert.Equal(received, fixture.Read(() => seen.Bytes(Side.B)));
        }
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void A_silent_connection_older_than_the_tap_is_seen_from_its_first_byte()
    {
        using TapFixture fixture = new(attach: false);
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        fixture.Attach();
        byte[] request = TcpPair.Message(100);
        TcpPair.Transfer(pair.Client, pair.Server, request);
        Seen server = fixture.At(pair.Server);
        Assert.True(server.FromStart);
        Assert.Equal(request, fixture.Read(() => server.Bytes(Side.B)));
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void Data_in_the_syn_is_the_beginning_of_the_stream()
    {
        using NetworkNamespace network = new();
        network.Sysctl("ipv4/tcp_fastopen", "3");
        using TapFixture fixture = new();
        using Socket listener = network.Enter(() =>
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.SetRawSocketOption(TcpLevel, TcpFastOpen, BitConverter.GetBytes(16));
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            socket.Listen(16);
            return socket;
        });
        for (int round = 0; round < 3; round++)
        {
            byte[] request = TcpPair.Message(200 + round, seed: round), more = TcpPair.Message(50, seed: 9), answer = TcpPair.Message(333, seed: 10 + round);
            using Socket client = network.Enter(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            client.SetRawSocketOption(TcpLevel, TcpFastOpenConnect, BitConverter.GetBytes(1));
            client.Connect(listener.LocalEndPoint!);
            client.Send(request);
            using Socket server = listener.Accept();
            TcpPair.Receive(server, request.Length);
            TcpPair.Transfer(client, server, more);
            TcpPair.Transfer(server, client, answer);
            // The first connection only fetches the cookie (RFC 7413 section 4.1.2).
            Assert.Equal(round > 0, SynDataWasAcknowledged(client));
            fixture.AssertBothSaw(client, server, [.. request, .. more], answer);
        }
        fixture.AssertPacketsBalance();
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void The_connecting_process_is_named_and_not_its_thread()
    {
        using TapFixture fixture = new();
        TcpPair? pair = null;
        Thread thread = new(() => pair = TcpPair.Connect(IPAddress.Loopback)) { Name = "kbb-some-thread" };
        thread.Start();
        thread.Join();
        using (pair!)
        {
            TcpPair.Transfer(pair!.Client, pair.Server, TcpPair.Message(10));
            fixture.At(pair.Client);
            fixture.At(pair.Server);
            Recorder.Owner client = OwnerOf(fixture, pair.Client), server = OwnerOf(fixture, pair.Server);
            Assert.Equal(Environment.ProcessId, client.ProcessId);
            Assert.Equal(File.ReadAllText($"/proc/{Environment.ProcessId}/comm").Trim(), client.ProcessName);
            // Nobody called connect() there, and whoever runs when a packet comes in is not the owner.
            Assert.Equal(0, server.ProcessId);
            Assert.Equal("", server.ProcessName);
        }
    }

    [Fact]
    public void A_socket_has_the_cgroup_and_the_network_namespace_it_was_made_in()
    {
        using NetworkNamespace network = new();
        using TapFixture fixture = new();
        using TestCgroup inner = new(fixture.CgroupPath);
        inner.Enter();
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback, network, network);
        inner.Leave();
        TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(10));
        fixture.At(pair.Client);
        fixture.At(pair.Server);
        foreach (Socket socket in new[] { pair.Client, pair.Server })
        {
            Recorder.Owner owner = OwnerOf(fixture, socket);
            Assert.Equal(inner.Id, owner.CgroupId);
            Assert.Equal(network.Inode, owner.NetworkNamespace);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Both_fins_end_both_sides(bool clientFirst)
    {
        using TapFixture fixture = new();
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        byte[] request = TcpPair.Message(100), answer = TcpPair.Message(200);
        TcpPair.Transfer(pair.Client, pair.Server, request);
        TcpPair.Transfer(pair.Server, pair.Client, answer);
        Seen client = fixture.At(pair.Client), server = fixture.At(pair.Server);
        (Socket first, Socket second) = clientFirst ? (pair.Client, pair.Server) : (pair.Server, pair.Client);
        first.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, second.Receive(new byte[1]));
        second.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, first.Receive(new byte[1]));
        fixture.Until(() => client.Closed is not null && server.Closed is not null, "the end at both sockets");
        foreach ((Seen seen, int sent, int received) in new[] { (client, request.Length, answer.Length), (server, answer.Length, request.Length) })
        {
            Assert.Equal(EndReason.Finished, seen.Closed);
            Assert.Equal(sent, seen.EndOf(Side.A));
            Assert.Equal(received, seen.EndOf(Side.B));
        }
        Assert.Equal(0, fixture.Read(() => fixture.Engine.ConnectionCount));
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void A_socket_closed_first_is_forgotten_although_its_peers_fin_meets_no_socket()
    {
        using TapFixture fixture = new();
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(100));
        Seen client = fixture.At(pair.Client), server = fixture.At(pair.Server);
        pair.Client.Close();
        Assert.Equal(0, pair.Server.Receive(new byte[1]));
        Thread.Sleep(200); // the delayed acknowledgement: it turns the client's socket into one that waits out its time
        pair.Server.Close();
        fixture.Until(() => client.Closed is not null && server.Closed is not null, "the end at both sockets");
        Assert.Equal(EndReason.Finished, client.Closed);
        Assert.Equal(EndReason.Finished, server.Closed);
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void A_reset_ends_the_connection_at_both_ends()
    {
        using TapFixture fixture = new();
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(100));
        Seen client = fixture.At(pair.Client), server = fixture.At(pair.Server);
        pair.Client.LingerState = new LingerOption(true, 0);
        pair.Client.Close();
        fixture.Until(() => client.Closed is not null && server.Closed is not null, "the end at both sockets");
        Assert.Equal(EndReason.Reset, client.Closed);
        Assert.Equal(EndReason.Reset, server.Closed);
        fixture.StopAndAssertLedger();
    }

    private static Recorder.Owner OwnerOf(TapFixture fixture, Socket socket)
    {
        Endpoint local = TapFixture.EndpointOf(socket.LocalEndPoint), remote = TapFixture.EndpointOf(socket.RemoteEndPoint);
        return fixture.Read(() => fixture.Recorder.Owners.First(owner => owner.Local == local && owner.Remote == remote));
    }

    /// <summary>TCPI_OPT_SYN_DATA of struct tcp_info (include/uapi/linux/tcp.h).</summary>
    private static bool SynDataWasAcknowledged(Socket socket)
    {
        byte[] info = new byte[104];
        socket.GetRawSocketOption(TcpLevel, TcpInfo, info);
        return (info[5] & 32) != 0;
    }
}
