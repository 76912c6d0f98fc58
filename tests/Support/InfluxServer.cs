using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace KubeBpfBox.Support;

/// <summary>A real InfluxDB 1.x with a configuration, port and folder of its own, and one database.</summary>
/// <remarks>Lifetime: <see cref="Stop"/> and <see cref="Start"/> keep the data; <see cref="Dispose"/> removes it. Any thread may ask.</remarks>
public sealed class InfluxServer : IDisposable
{
    /// <summary>The administrator, when users are asked for.</summary>
    public const string AdminName = "admin";

    /// <summary>Its password.</summary>
    public const string AdminPassword = "a:\"d 'min";

    private readonly TemporaryFolder _folder = new();
    private readonly NetworkNamespace? _network;
    private readonly IPAddress _address;
    private readonly bool _isClosed;
    private readonly HttpClient _http;
    private ChildProcess? _process;

    /// <summary>Starts it and waits until it answers.</summary>
    /// <param name="network">Where; null for the namespace of this process.</param>
    /// <param name="address">On which address; null for the loopback.</param>
    /// <param name="port">On which port; 0 for a free one.</param>
    /// <param name="isClosed">Users and passwords are asked for.</param>
    /// <param name="database">A database that is made; null for none.</param>
    public InfluxServer(NetworkNamespace? network = null, IPAddress? address = null, int port = 0, bool isClosed = false, string? database = "kubebpfbox")
    {
        _network = network;
        _address = address ?? IPAddress.Loopback;
        _isClosed = isClosed;
        Port = port != 0 ? port : TcpPort.Free();
        Database = database ?? string.Empty;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, ConnectCallback = ConnectAsync }) { Timeout = TimeSpan.FromMinutes(2) };
        if (isClosed)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{AdminName}:{AdminPassword}")));
        }
        File.WriteAllText(_folder.PathOf("influxdb.conf"), Configuration());
        try
        {
            Start();
            if (isClosed)
            {
                // The first user may be made without one.
                Query($"CREATE USER {AdminName} WITH PASSWORD '{AdminPassword.Replace("'", "\\'", StringComparison.Ordinal)}' WITH ALL PRIVILEGES");
            }
            if (database is not null)
            {
                Query($"CREATE DATABASE \"{database}\"");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>The database.</summary>
    public string Database { get; }

    /// <summary>Its address.</summary>
    public string Url => $"http://{_address}:{Port}";

    /// <summary>The process; null while it is stopped.</summary>
    public ChildProcess? Process => _process;

    /// <summary>Starts it again.</summary>
    public void Start()
    {
        string program = AptPackages.Require("influxd", "influxdb");
        string[] arguments = ["-config", _folder.PathOf("influxdb.conf")];
        _process = _network is null ? ChildProcess.Start(program, arguments) : _network.Start(program, arguments);
        _process.WaitUntil(IsUp, $"answer on {Url}", TimeSpan.FromSeconds(60));
    }

    /// <summary>Ends it; its data stays.</summary>
    public void Stop()
    {
        _process?.Stop(TimeSpan.FromSeconds(30));
        _process?.Dispose();
        _process = null;
    }

    /// <summary>Asks in InfluxQL.</summary>
    /// <returns>The rows of all series: their tags and columns by name; "name" is the measurement unless a column is called that.</returns>
    /// <exception cref="InvalidOperationException">The server says that the question is wrong.</exception>
    public IReadOnlyList<IReadOnlyDictionary<string, JsonElement>> Query(string question)
    {
        using FormUrlEncodedContent form = new([new("q", question)]);
        string path = $"{Url}/query?epoch=ns&db={Uri.EscapeDataString(Database)}";
        using HttpResponseMessage response = _http.PostAsync(path, form).GetAwaiter().GetResult();
        string text = response.Content.ReadAsStringAsync().GetAwaiter().GetResult();
        using JsonDocument document = JsonDocument.Parse(text);
        JsonElement root = document.RootElement;
        if (root.TryGetProperty("error", out _) || root.GetProperty("results").EnumerateArray().Any(static result => result.TryGetProperty("error", out _)))
        {
            throw new InvalidOperationException($"{question}: {text}");
        }
        List<IReadOnlyDictionary<string, JsonElement>> rows = [];
        foreach (JsonElement result in root.GetProperty("results").EnumerateArray())
        {
            AddRows(rows, result);
        }
        return rows;
    }

    /// <summary>Asks for one number: the last column of the first row; 0 when there is no row.</summary>
    public long QueryNumber(string question)
    {
        IReadOnlyList<IReadOnlyDictionary<string, JsonElement>> rows = Query(question);
        return rows.Count == 0 ? 0 : rows[0].Values.Last().GetInt64();
    }

    /// <summary>Points of a measurement, counted by a field that each has.</summary>
    public long Count(string measurement, string field) => QueryNumber($"SELECT count(\"{field}\") FROM \"{measurement}\"");

    /// <summary>Series of a measurement, exactly.</summary>
    public long Cardinality(string measurement) => QueryNumber($"SHOW SERIES EXACT CARDINALITY FROM \"{measurement}\"");

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _http.Dispose();
        _folder.Dispose();
    }

    private static void AddRows(List<IReadOnlyDictionary<string, JsonElement>> rows, JsonElement result)
    {
        if (!result.TryGetProperty("series", out JsonElement all))
        {
            return;
        }
        foreach (JsonElement series in all.EnumerateArray())
        {
            string[] columns = [.. series.GetProperty("columns").EnumerateArray().Select(static column => column.GetString()!)];
            if (!series.TryGetProperty("values", out JsonElement values))
            {
                continue;
            }
            foreach (JsonElement row in values.EnumerateArray())
            {
                // In this order: the last value is the last column's.
                Dictionary<string, JsonElement> fields = new(StringComparer.Ordinal);
                if (series.TryGetProperty("name", out JsonElement name))
                {
                    fields["name"] = name.Clone();
                }
                if (series.TryGetProperty("tags", out JsonElement tags))
                {
                    foreach (JsonProperty tag in tags.EnumerateObject())
                    {
                        fields[tag.Name] = tag.Value.Clone();
                    }
                }
                for (int i = 0; i < columns.Length; i++)
                {
                    fields[columns[i]] = row[i].Clone();
                }
                rows.Add(fields);
            }
        }
    }

    private bool IsUp()
    {
        try
        {
            using HttpResponseMessage response = _http.GetAsync($"{Url}/ping").GetAwaiter().GetResult();
            return response.StatusCode == HttpStatusCode.NoContent;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken stop)
    {
        Socket Make() => new(_address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Socket socket = _network is null ? Make() : _network.Enter(Make);
        try
        {
            await socket.ConnectAsync(_address, Port, stop).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private string Configuration() => string.Create(CultureInfo.InvariantCulture, $"""
        reporting-disabled = true
        bind-address = "127.0.0.1:0"
        [meta]
        dir = "{_folder.PathOf("meta")}"
        [data]
        dir = "{_folder.PathOf("data")}"
        wal-dir = "{_folder.PathOf("wal")}"
        query-log-enabled = false
        [monitor]
        store-enabled = false
        [subscriber]
        enabled = false
        [continuous_queries]
        enabled = false
        [http]
        bind-address = "{_address}:{Port}"
        auth-enabled = {(_isClosed ? "true" : "false")}
        log-enabled = false
        """);
}
