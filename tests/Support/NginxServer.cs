using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KubeBpfBox.Support;

/// <summary>nginx with a configuration of our own, in the foreground with one worker.</summary>
/// <remarks>
/// Locations: / (612 bytes), /10k, /100k (bodies of that many KiB), /100m (zeros), /chunked, /404, /500, /204, /redirect, /slow (1 KiB at 1 KiB/s after the
/// first 100 bytes), /status (stub_status). Listens on IPv4 and IPv6, all addresses.
/// </remarks>
public sealed class NginxServer : IDisposable
{
    /// <summary>Length of the page at /.</summary>
    public const int PageBytes = 612;

    /// <summary>Length of /100m.</summary>
    public const int LargeBytes = 100 * 1024 * 1024;

    private readonly TemporaryFolder _folder = new();
    private readonly ChildProcess _process;
    private readonly NetworkNamespace? _namespace;

    /// <summary>Starts it and waits until it answers.</summary>
    /// <param name="network">Where; null for the namespace of this process.</param>
    /// <param name="port">On which port.</param>
    /// <param name="maxConnections">worker_connections.</param>
    public NginxServer(NetworkNamespace? network, int port = 80, int maxConnections = 1024)
    {
        _namespace = network;
        Port = port;
        string program = AptPackages.Require("nginx", "nginx-light");
        try
        {
            foreach ((string file, int bytes) in new[] { ("index.html", PageBytes), ("10k", 10 * 1024), ("100k", 100 * 1024), ("slow", 1024) })
            {
                File.WriteAllText(_folder.PathOf(file), Text(bytes));
            }
            using (FileStream large = File.Create(_folder.PathOf("100m")))
            {
                large.SetLength(LargeBytes); // all hole: takes no room
            }
            File.WriteAllText(_folder.PathOf("chunked.html"), "<!--#echo var=\"REQUEST_METHOD\" -->" + Text(4000));
            File.WriteAllText(_folder.PathOf("nginx.conf"), Configuration(maxConnections));
            string[] arguments = ["-p", _folder.FolderPath, "-c", _folder.PathOf("nginx.conf"), "-e", _folder.PathOf("error.log")];
            _process = network is null ? ChildProcess.Start(program, arguments) : network.Start(program, arguments);
            _process.WaitUntil(IsUp, $"listener on port {port}", TimeSpan.FromSeconds(10));
        }
        catch (Exception e)
        {
            string log = File.Exists(_folder.PathOf("error.log")) ? File.ReadAllText(_folder.PathOf("error.log")) : "";
            _process?.Dispose();
            _folder.Dispose();
            throw new InvalidOperationException($"nginx did not start: {e.Message} {log}", e);
        }
    }

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>The master's process id.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Requests it handled since its start, by its own count, less the requests that asked for the count.</summary>
    public long ReadRequestCount()
    {
        // Active connections: 1 \n server accepts handled requests\n 7 7 12 \n Reading: ...
        string body = Ask("GET /status HTTP/1.0\r\n\r\n");
        string numbers = body.Split('\n').SkipWhile(static line => !line.StartsWith("server accepts", StringComparison.Ordinal)).Skip(1).First();
        return long.Parse(numbers.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], CultureInfo.InvariantCulture) - Interlocked.Increment(ref _asked);
    }

    /// <summary>How often <see cref="ReadRequestCount"/> asked.</summary>
    public int StatusRequests => _asked;

    private int _asked;

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Dispose();
        _folder.Dispose();
    }

    private static string Text(int bytes)
    {
        const string Line = "The quick brown fox jumps over the lazy dog, and does so again.\n";
        StringBuilder text = new(bytes + Line.Length);
        while (text.Length < bytes)
        {
            text.Append(Line);
        }
        text.Length = bytes;
        return text.ToString();
    }

    private bool IsUp()
    {
        try
        {
            using Socket socket = Connect();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private Socket Connect()
    {
        Socket Open()
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 5000 };
            socket.Connect(IPAddress.Loopback, Port);
            return socket;
        }
        return _namespace is null ? Open() : _namespace.Enter(Open);
    }

    private string Ask(string request)
    {
        using Socket socket = Connect();
        socket.Send(Encoding.ASCII.GetBytes(request));
        StringBuilder answer = new();
        byte[] buffer = new byte[4096];
        int count;
        while ((count = socket.Receive(buffer)) > 0)
        {
            answer.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }
        return answer.ToString();
    }

    private string Configuration(int maxConnections) => $$"""
        daemon off;
        worker_processes 1;
        worker_rlimit_nofile {{maxConnections + 64}};
        pid {{_folder.PathOf("nginx.pid")}};
        error_log {{_folder.PathOf("error.log")}} warn;
        events { worker_connections {{maxConnections}}; }
        http {
          access_log off;
          default_type text/plain;
          keepalive_requests 1000000000;
          keepalive_timeout 1h;
          client_header_timeout 1h;
          tcp_nopush on;
          sendfile on;
          client_body_temp_path {{_folder.PathOf("body")}};
          proxy_temp_path {{_folder.PathOf("proxy")}};
          fastcgi_temp_path {{_folder.PathOf("fastcgi")}};
          uwsgi_temp_path {{_folder.PathOf("uwsgi")}};
          scgi_temp_path {{_folder.PathOf("scgi")}};
          open_file_cache max=100 inactive=1h;
          server {
            listen {{Port}} backlog=4096;
            listen [::]:{{Port}} ipv6only=on backlog=4096;
            root {{_folder.FolderPath}};
            location / { try_files $uri /index.html; }
            location = / { try_files /index.html =404; }
            location = /chunked { default_type text/html; ssi on; try_files /chunked.html =404; }
            location = /404 { return 404; }
            location = /500 { return 500; }
            location = /204 { return 204; }
            location = /redirect { return 302 /; }
            location = /slow { limit_rate 1k; limit_rate_after 100; }
            location = /status { stub_status; }
          }
        }
        """;
}
