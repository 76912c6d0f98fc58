using System.Net;
using System.Numerics;
using System.Text;
using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Agent.Configuration;

/// <summary>The one list of settings. The sample file, the messages and the typed options all come from it.</summary>
internal static class SettingsTable
{
    private const long Kib = 1 << 10;
    private const long Mib = 1 << 20;
    private const long Gib = 1 << 30;
    private const long Ms = 1_000_000;
    private const long Second = 1_000_000_000;
    private const long Hour = 3600 * Second;
    private const long Day = 24 * Hour;

    /// <summary>All settings, in the order of the sample.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        Setting.Text("node.name", "", "any text; empty for the host's name", "Name of this node in output. The environment variable NODE_NAME sets it too.", static (o, v) => o.NodeName = v) with { EnvironmentAlias = "NODE_NAME" },

        Setting.Text("api.listen", "127.0.0.1:9500", "an IP address and a port, such as 127.0.0.1:9500 or [::]:9500",
            "Address of the API, /metrics and health. Beyond loopback everything but /metrics and health needs the token.", static (o, v) => o.ApiListen = v, IsListenAddress),
        Setting.Text("api.token", "", "at least 16 printable ASCII characters without spaces; empty for one made at start and printed once",
            "Bearer token for the API when it does not listen on loopback.", static (o, v) => o.ApiToken = v, IsToken) with { IsSecret = true },

        Setting.Flag("plugins.traffic.enabled", true, "Capture TCP traffic in the kernel.", static (o, v) => o.TrafficEnabled = v),
        Setting.Bytes("plugins.traffic.ring_bytes", 4 * Mib, 64 * Kib, 1 * Gib, "Ring buffer between kernel and agent. More rides out longer pauses.",
            static (o, v) => o.TrafficRingBytes = v, BitOperations.IsPow2, "a power of two from 64KiB to 1GiB, such as 4MiB"),
        Setting.Bytes("plugins.traffic.bytes_per_packet", 16 * Kib, 256, 16 * Kib, "Bytes of a packet's payload that are copied at most; a longer message head is marked truncated.", static (o, v) => o.TrafficBytesPerPacket = v),
        Setting.Text("plugins.traffic.cgroup_path", "", "an absolute path of a cgroup v2 directory; empty to find the root", "Cgroup whose sockets are watched, with all below it.", static (o, v) => o.TrafficCgroupPath = v, static v => v.Length == 0 || v[0] == '/'),
        Setting.Flag("plugins.oomkill.enabled", true, "Report processes that the kernel kills for their memory.", static (o, v) => o.OomKillEnabled = v),
        Setting.Flag("plugins.tcpsynbl.enabled", true, "Report connections refused because an accept queue was full, and how full the queues are.", static (o, v) => o.TcpSynBacklogEnabled = v),

        Setting.Bytes("streams.max_bytes", 8 * Mib, 1 * Mib, 4 * Gib, "Memory for unfinished messages of all connections together.", static (o, v) => o.StreamsMaxBytes = v),
        Setting.Number("streams.max_connections", 65536, 1, 10_000_000, "Connections followed at once; beyond that the longest idle one is forgotten.", static (o, v) => o.StreamsMaxConnections = v),
        Setting.Duration("streams.idle_timeout", 300 * Second, 1 * Second, 7 * Day, "A connection without a packet for this long is forgotten.", static (o, v) => o.StreamsIdleTimeoutNs = v),

        Setting.Flag("protocols.http1.enabled", true, "Follow HTTP/1.0 and HTTP/1.1.", static (o, v) => o.Http1Enabled = v),
        Setting.Duration("protocols.http1.request_timeout", 60 * Second, 100 * Ms, 1 * Day, "A request without a response for this long is reported as timed out.", static (o, v) => o.Http1RequestTimeoutNs = v),

        Setting.Number("red.max_series", RedTable.DefaultMaxSeries, 10, 1_000_000, "Series of rate, errors and duration; what is beyond goes to the overflow series.", static (o, v) => o.RedMaxSeries = v),

        Setting.Bytes("history.max_bytes", RecentHistory.DefaultMaxBytes, 1 * Mib, 1 * Gib, "Memory for the windows of the last hour, which the page and top show; the oldest go first.", static (o, v) => o.HistoryMaxBytes = v),

        Setting.Choice("export.url", ExportedUrl.Path, "How much of a request's target influxdb, otlp and jsonlog get: the path without its query, all of it, or only the route (/users/{id}).", static (o, v) => o.ExportUrl = v),
        Setting.Text("spool.path", "/var/lib/kubebpfbox/spool", "the path of a directory", "Where batches wait on disk for a server that is away; a directory for each sink below it.", static (o, v) => o.SpoolPath = v, static v => v.Length > 0),

        Setting.Flag("sinks.prometheus.enabled", true, "Serve /metrics.", static (o, v) => o.PrometheusEnabled = v),
        Setting.Flag("sinks.sqlite.enabled", true, "Store series and a request log in an SQLite file.", static (o, v) => o.SqliteEnabled = v),
        Setting.Text("sinks.sqlite.path", "/var/lib/kubebpfbox/kubebpfbox.db", "the path of a file", "The database. Its directory is made when it is not there.", static (o, v) => o.SqlitePath = v, static v => v.Length > 0),
        Setting.Bytes("sinks.sqlite.max_bytes", 256 * Mib, 1 * Mib, 1024 * Gib, "Size the file is kept under, by deleting the oldest.", static (o, v) => o.SqliteMaxBytes = v),
        Setting.Duration("sinks.sqlite.max_age", 7 * Day, 60 * Second, 3650 * Day, "What is older is deleted.", static (o, v) => o.SqliteMaxAgeNs = v),
        Setting.Number("sinks.sqlite.log_rate", 100, 0, 100_000, "Ordinary requests logged a second; errors and the slowest are always kept, and rows say how many they stand for.", static (o, v) => o.SqliteLogRate = v),

        Setting.Text("sinks.influxdb.url", "", "an http or https URL, such as http://influxdb:8086; empty for off", "InfluxDB to write to. The environment variable INFLUX_ADDR sets it too.", static (o, v) => o.InfluxUrl = v, IsUrl) with { EnvironmentAlias = "INFLUX_ADDR" },
        Setting.Text("sinks.influxdb.org", "", "any text", "Organization, for the API of version 2. Also INFLUX_ORG.", static (o, v) => o.InfluxOrg = v) with { EnvironmentAlias = "INFLUX_ORG" },
        Setting.Text("sinks.influxdb.bucket", "", "any text", "Bucket, for the API of version 2 (InfluxDB 2 and 3). Also INFLUX_BUCKET.", static (o, v) => o.InfluxBucket = v) with { EnvironmentAlias = "INFLUX_BUCKET" },
        Setting.Text("sinks.influxdb.token", "", "printable ASCII characters without spaces", "Token, for the API of version 2. Better set by INFLUX_TOKEN than in a file.", static (o, v) => o.InfluxToken = v, IsSecret) with { EnvironmentAlias = "INFLUX_TOKEN", IsSecret = true },
        Setting.Text("sinks.influxdb.database", "", "any text; empty for the API of version 2", "Database, for the API of version 1 (InfluxDB 1).", static (o, v) => o.InfluxDatabase = v),
        Setting.Text("sinks.influxdb.retention_policy", "", "any text; empty for the database's default", "Retention policy, for the API of version 1.", static (o, v) => o.InfluxRetentionPolicy = v),
        Setting.Text("sinks.influxdb.username", "", "any text", "User, for the API of version 1.", static (o, v) => o.InfluxUsername = v),
        Setting.Text("sinks.influxdb.password", "", "any text", "Password, for the API of version 1. Better set by KUBEBPFBOX_SINKS_INFLUXDB_PASSWORD than in a file.", static (o, v) => o.InfluxPassword = v) with { IsSecret = true },
        Setting.Text("sinks.influxdb.ca_file", "", "the path of a PEM file; empty for the system's", "Certificates that the server's must be signed by.", static (o, v) => o.InfluxCaFile = v),
        Setting.Choice("sinks.influxdb.request_log", LoggedRequests.All, "Requests that are written one by one; series count all of them anyway.", static (o, v) => o.InfluxRequestLog = v),
        Setting.Duration("sinks.influxdb.flush_interval", 1 * Second, 100 * Ms, 60 * Second, "A batch is sent after this long at the latest.", static (o, v) => o.InfluxFlushIntervalNs = v),
        Setting.Bytes("sinks.influxdb.batch_bytes", 1 * Mib, 16 * Kib, 16 * Mib, "Size of a batch, before compression.", static (o, v) => o.InfluxBatchBytes = v),
        Setting.Duration("sinks.influxdb.timeout", 10 * Second, 1 * Second, 300 * Second, "A write without an answer for this long has failed.", static (o, v) => o.InfluxTimeoutNs = v),
        .. Spool("influxdb", 256 * Mib, static o => o.InfluxSpool),

        Setting.Text("sinks.otlp.endpoint", "", "an http or https URL, such as http://collector:4317; empty for off", "OpenTelemetry collector to send to. Also OTEL_EXPORTER_OTLP_ENDPOINT.", static (o, v) => o.OtlpEndpoint = v, IsUrl) with { EnvironmentAlias = "OTEL_EXPORTER_OTLP_ENDPOINT" },
        Setting.Choice("sinks.otlp.protocol", "grpc", ["grpc", "http/protobuf"], "How it is spoken to. Also OTEL_EXPORTER_OTLP_PROTOCOL.", static (o, v) => o.OtlpProtocol = v) with { EnvironmentAlias = "OTEL_EXPORTER_OTLP_PROTOCOL" },
        Setting.Text("sinks.otlp.headers", "", "key=value pairs with commas between", "Headers of each request, such as an API key. Better set by OTEL_EXPORTER_OTLP_HEADERS than in a file.", static (o, v) => o.OtlpHeaders = v, IsHeaders) with { EnvironmentAlias = "OTEL_EXPORTER_OTLP_HEADERS", IsSecret = true },
        Setting.Text("sinks.otlp.ca_file", "", "the path of a PEM file; empty for the system's", "Certificates that the collector's must be signed by.", static (o, v) => o.OtlpCaFile = v),
        Setting.Flag("sinks.otlp.metrics", true, "Send rate, errors and duration, and how the agent is.", static (o, v) => o.OtlpMetrics = v),
        Setting.Flag("sinks.otlp.traces", true, "Send requests as spans.", static (o, v) => o.OtlpTraces = v),
        Setting.Flag("sinks.otlp.logs", true, "Send OOM kills and overflowing accept queues as log records.", static (o, v) => o.OtlpLogs = v),
        Setting.Duration("sinks.otlp.metrics_interval", 30 * Second, 1 * Second, 3600 * Second, "How often metrics are sent.", static (o, v) => o.OtlpMetricsIntervalNs = v),
        Setting.Ratio("sinks.otlp.sampling_ratio", 0.01, "Share of the requests without a traceparent that become spans; those with one follow its sampled flag.", static (o, v) => o.OtlpSamplingRatio = v),
        Setting.Duration("sinks.otlp.timeout", 10 * Second, 1 * Second, 300 * Second, "A request without an answer for this long has failed.", static (o, v) => o.OtlpTimeoutNs = v),
        .. Spool("otlp", 64 * Mib, static o => o.OtlpSpool),

        Setting.Text("sinks.jsonlog.path", "", "the path of a file, - for standard output, empty for off", "Requests and events as JSON lines.", static (o, v) => o.JsonLogPath = v),
        Setting.Choice("sinks.jsonlog.request_log", LoggedRequests.All, "Requests that are written; events are written anyway.", static (o, v) => o.JsonLogRequestLog = v),
        Setting.Bytes("sinks.jsonlog.max_bytes", 100 * Mib, 64 * Kib, 1024 * Gib, "Size at which the file is rotated.", static (o, v) => o.JsonLogMaxBytes = v),
        Setting.Number("sinks.jsonlog.max_files", 5, 1, 1000, "Files kept, the one that is written included.", static (o, v) => o.JsonLogMaxFiles = v),

        Setting.Choice("log.level", "information", ["debug", "information", "warning", "error"], "Least severe message written to standard error and the log file.", static (o, v) => o.LogLevel = v),
        Setting.Bytes("log.max_bytes", 10 * Mib, 64 * Kib, 1024 * Gib, "Size at which the log file (App.LogSavePath) is rotated.", static (o, v) => o.LogMaxBytes = v),
        Setting.Number("log.max_files", 5, 1, 1000, "Log files kept, the one that is written included.", static (o, v) => o.LogMaxFiles = v),

        Setting.Text("Cluster.ConfigPath", "", "the path of a kubeconfig; empty for none", "Kubeconfig of the cluster whose pods run on this machine, for an agent outside of it.", static (o, v) => o.KubeConfigPath = v),
        Setting.Choice("Cluster.InCluster", "auto", ["auto", "true", "false"],
            "Ask the API server with the pod's service account; auto: when there is one and Cluster.ConfigPath is empty. The environment variable IN_CLUSTER sets it too.", static (o, v) => o.InCluster = v) with { EnvironmentAlias = "IN_CLUSTER" },
        Setting.Text("Cluster.NetInterface", "", "an interface's name, such as cni0; empty to watch all local sockets", "Interface to capture on instead of local sockets.", static (o, v) => o.NetInterface = v, IsInterfaceName),
        Setting.Text("App.LogSavePath", "", "the path of a directory; empty for no log file", "Directory of the agent's log file; messages go to standard error as well.", static (o, v) => o.LogSavePath = v),
        Setting.Text("App.LogFileName", "agent", "a file's name; empty for agent", "Name of the log file.", static (o, v) => o.LogFileName = v.Length > 0 ? v : "agent", static v => !v.Contains('/')),
        Setting.Text("App.LogFileExt", ".log", "the end of a file's name", "Extension of the log file.", static (o, v) => o.LogFileExt = v, static v => !v.Contains('/')),
    ];

    /// <summary>Finds a setting by its exact key.</summary>
    public static Setting? Find(string key) => All.FirstOrDefault(setting => setting.Key == key);

    /// <summary>The known key that a misspelt one was probably meant to be; null when none is near.</summary>
    public static string? Nearest(string key)
    {
        (string? best, int bestDistance) = (null, Math.Max(2, key.Length / 3) + 1);
        foreach (Setting setting in All)
        {
            // A key often lacks only its section: "ring_bytes".
            int distance = Math.Min(Distance(key, setting.Key), 1 + Distance(key, setting.Key[(setting.Key.LastIndexOf('.') + 1)..]));
            if (distance < bestDistance)
            {
                (best, bestDistance) = (setting.Key, distance);
            }
        }
        return best;
    }

    private static bool IsListenAddress(string text) =>
        IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && endpoint.Port != 0 && text.EndsWith($":{endpoint.Port}", StringComparison.Ordinal);

    /// <summary>dev_valid_name() of net/core/dev.c.</summary>
    private static bool IsInterfaceName(string text) =>
        text.Length == 0 || (text is not "." and not ".." && Encoding.UTF8.GetByteCount(text) < 16 && !text.Any(static c => c is '/' or ':' || char.IsWhiteSpace(c)));

    private static Setting[] Spool(string sink, long maxBytes, Func<AgentOptions, SpoolOptions> of) =>
    [
        Setting.Bytes($"sinks.{sink}.spool_max_bytes", maxBytes, 0, 1024 * Gib, "Disk that batches may take while the server is away; 0 for none. Beyond it the oldest requests go first, series last.", (o, v) => of(o).MaxBytes = v),
        Setting.Duration($"sinks.{sink}.spool_max_age", 1 * Day, 60 * Second, 3650 * Day, "What waits for longer is given up.", (o, v) => of(o).MaxAgeNs = v),
        Setting.Bytes($"sinks.{sink}.spool_rate", 2 * Mib, 64 * Kib, 1 * Gib, "Bytes a second, as they lie on disk, that are sent once the server is back, beside what is new.", (o, v) => of(o).BytesPerSecond = v),
    ];

    private static bool IsUrl(string text) =>
        text.Length == 0 || (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0 && url.Query.Length == 0);

    private static bool IsHeaders(string text) =>
        text.Length == 0 || (text.All(static c => c is >= ' ' and < '\x7f') && text.Split(',').All(static pair => pair.IndexOf('=', StringComparison.Ordinal) > 0));

    private static bool IsSecret(string text) => text.All(static c => c is > ' ' and < '\x7f');

    private static bool IsToken(string text) => text.Length == 0 || (text.Length >= 16 && text.All(static c => c is > ' ' and < '\x7f'));

    /// <summary>Levenshtein's distance, without regard to case.</summary>
    private static int Distance(string a, string b)
    {
        int[] row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? diagonal : diagonal + 1;
                diagonal = row[j];
                row[j] = Math.Min(cost, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
