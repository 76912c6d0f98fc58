using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>Requests over plain sockets: exactly these bytes, on exactly these connections.</summary>
internal static class Traffic
{
    public static Socket Connect(int port, IPAddress? address = null)
    {
        address ??= IPAddress.Loopback;
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000, SendTimeout = 20_000, NoDelay = true };
        socket.Connect(address, port);
        return socket;
    }

    /// <summary>One request on a connection of its own.</summary>
    public static Answer Get(int port, string target, string method = "GET", IPAddress? address = null)
    {
        using Socket socket = Connect(port, address);
        return Exchange(socket, $"{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    }

    /// <summary>Sends a request and reads its whole answer.</summary>
    public static Answer Exchange(Socket socket, string request)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(request);
        socket.Send(bytes);
        return ReadAnswer(socket, bytes.Length, isHead: request.StartsWith("HEAD", StringComparison.Ordinal));
    }

    /// <summary>Reads up to the empty line that ends a head, a byte at a time so that nothing behind it is lost.</summary>
    /// <returns>The head; empty when the client closed.</returns>
    public static string ReadHead(Socket socket)
    {
        StringBuilder head = new();
        byte[] one = new byte[1];
        while (socket.Receive(one) == 1)
        {
            head.Append((char)one[0]);
            if (one[0] == '\n' && head.Length >= 4 && head[^3] == '\n')
            {
                return head.ToString();
            }
        }
        return string.Empty;
    }

    public static Answer ReadAnswer(Socket socket, long requestBytes, bool isHead = false)
    {
        byte[] buffer = new byte[256 * 1024];
        int length = 0;
        int headEnd;
        while ((headEnd = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
        {
            int count = socket.Receive(buffer.AsSpan(length));
            Assert.True(count > 0, "the server closed within a head");
            length += count;
        }
        string head = Encoding.Latin1.GetString(buffer, 0, headEnd + 4);
        int status = int.Parse(head.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);
        long body = length - headEnd - 4;
        long expected = isHead || status is 204 or 304 ? 0 : ContentLength(head);
        bool isChunked = head.Contains("chunked", StringComparison.OrdinalIgnoreCase);
        bool ended = isChunked && buffer.AsSpan(0, length).EndsWith("0\r\n\r\n"u8);
        while (isChunked ? !ended : body < expected)
        {
            int count = socket.Receive(buffer);
            Assert.True(count > 0, "the server closed within a body");
            body += count;
            // Good for bodies whose data has no such end.
            ended = buffer.AsSpan(0, count).EndsWith("0\r\n\r\n"u8);
        }
        return new Answer(status, requestBytes, headEnd + 4 + body);
    }

    private static long ContentLength(string head)
    {
        const string Name = "Content-Length: ";
        int at = head.IndexOf(Name, StringComparison.OrdinalIgnoreCase);
        return at < 0 ? 0 : long.Parse(head.AsSpan(at + Name.Length, head.IndexOf('\r', at) - at - Name.Length), System.Globalization.CultureInfo.InvariantCulture);
    }
}

/// <summary>What came back.</summary>
/// <param name="Status">Status code.</param>
/// <param name="RequestBytes">Bytes sent.</param>
/// <param name="ResponseBytes">Bytes of head and body as on the wire.</param>
internal readonly record struct Answer(int Status, long RequestBytes, long ResponseBytes);

/// <summary>A server whose every connection is served by a function of the test.</summary>
internal sealed class SocketServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Action<Socket> _serve;

    public SocketServer(Action<Socket> serve)
    {
        _serve = serve;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1024);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        new Thread(Accept) { IsBackground = true, Name = "test-server" }.Start();
    }

    public int Port { get; }

    public void Dispose() => _listener.Dispose();

    private void Accept()
    {
        while (true)
        {
            Socket accepted;
            try
            {
                accepted = _listener.Accept();
            }
            catch (SocketException)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            new Thread(() => Serve(accepted), 256 * 1024) { IsBackground = true }.Start();
        }
    }

    private void Serve(Socket accepted)
    {
        using (accepted)
        {
            try
            {
                _serve(accepted);
            }
            catch (SocketException)
            {
                // The client is done.
            }
        }
    }
}
