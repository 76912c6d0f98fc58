using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Traffic;

/// <summary>Two connected sockets.</summary>
internal sealed class TcpPair : IDisposable
{
    private TcpPair(Socket listener, Socket client, Socket server)
    {
        Listener = listener;
        Client = client;
        Server = server;
    }

    public Socket Listener { get; }
    public Socket Client { get; }
    public Socket Server { get; }

    /// <summary>Connects two sockets.</summary>
    /// <param name="address">Where to listen and to connect; an IPv6Any listener is asked for by <paramref name="listenOn"/>.</param>
    /// <param name="serverSide">Namespace of the server; null for ours.</param>
    /// <param name="clientSide">Namespace of the client; null for ours.</param>
    /// <param name="listenOn">Address of the listener when it is another one.</param>
    /// <param name="prepare">Called with the client's socket before it connects.</param>
    public static TcpPair Connect(IPAddress address, NetworkNamespace? serverSide = null, NetworkNamespace? clientSide = null, IPAddress? listenOn = null, Action<Socket>? prepare = null)
    {
        Socket listener = Inside(serverSide, () => Listen(listenOn ?? address));
        try
        {
            Socket client = Inside(clientSide, () =>
            {
                Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                prepare?.Invoke(socket);
                socket.Connect(new IPEndPoint(address, ((IPEndPoint)listener.LocalEndPoint!).Port));
                return socket;
            });
            Socket server = listener.Accept();
            server.NoDelay = true;
            return new TcpPair(listener, client, server);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    public static Socket Listen(IPAddress address)
    {
        Socket listener = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.Equals(IPAddress.IPv6Any))
        {
            listener.DualMode = true;
        }
        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen(16);
        return listener;
    }

    /// <summary>Sends from one socket and receives all of it at the other.</summary>
    public static void Transfer(Socket from, Socket to, byte[] bytes)
    {
        Thread sender = new(() => SendAll(from, bytes));
        sender.Start();
        Receive(to, bytes.Length);
        sender.Join();
    }

    public static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[socket.Send(bytes)..];
        }
    }

    public static byte[] Receive(Socket socket, int count)
    {
        byte[] buffer = new byte[count];
        socket.ReceiveTimeout = 10_000;
        for (int have = 0; have < count;)
        {
            int got = socket.Receive(buffer, have, count - have, SocketFlags.None);
            Assert.NotEqual(0, got);
            have += got;
        }
        return buffer;
    }

    /// <summary>Random bytes that start as the recorder's protocol does.</summary>
    public static byte[] Message(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        bytes[0] = (byte)'!';
        return bytes;
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
        Listener.Dispose();
    }

    private static T Inside<T>(NetworkNamespace? network, Func<T> function) => network is null ? function() : network.Enter(function);
}
