using System.Net;
using System.Numerics;
using System.Text;
using KubeBpfBox.Core.Red;

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
        Setting.Text("node.name", "", "any text; empty for the host's name", "Name of this node in output. The environment variable NODE_NAME sets it too.", static (o, v) => o.NodeName = v),

        Setting.Text("api.listen", "127.0.0.1:9500", "an IP address and a port, such as 127.0.0.1:9500 or [::]:9500",
            "Address of the API, /metrics and health. Beyond loopback everything but /metrics and health needs the token.", static (o, v) => o.ApiListen = v, IsListenAddress),
        Setting.Text("api.token", "", "at least 16 printable ASCII characters without spaces; empty for one made at start and printed once",
            "Bearer token for the API when it does not listen on loopback.", static (o, v) => o.ApiToken = v, IsToken),

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

        Setting.Flag("sinks.prometheus.enabled", true, "Serve /metrics.", static (o, v) => o.PrometheusEnabled = v),
        Setting.Flag("sinks.sqlite.enabled", true, "Store series and a request log in an SQLite file.", static (o, v) => o.SqliteEnabled = v),
        Setting.Text("sinks.sqlite.path", "/var/lib/kubebpfbox/kubebpfbox.db", "the path of a file", "The database. Its directory is made when it is not there.", static (o, v) => o.SqlitePath = v, static v => v.Length > 0),
        Setting.Bytes("sinks.sqlite.max_bytes", 256 * Mib, 1 * Mib, 1024 * Gib, "Size the file is kept under, by deleting the oldest.", static (o, v) => o.SqliteMaxBytes = v),
        Setting.Duration("sinks.sqlite.max_age", 7 * Day, 60 * Second, 3650 * Day, "What is older is deleted.", static (o, v) => o.SqliteMaxAgeNs = v),
        Setting.Number("sinks.sqlite.log_rate", 100, 0, 100_000, "Ordinary requests logged a second; errors and the slowest are always kept, and rows say how many they stand for.", static (o, v) => o.SqliteLogRate = v),

        Setting.Choice("log.level", "information", ["debug", "information", "warning", "error"], "Least severe message written to standard error.", static (o, v) => o.LogLevel = v),

        Setting.Text("Cluster.ConfigPath", "", "the path of a kubeconfig; empty for none", "Kubeconfig of the cluster whose pods run on this machine, for an agent outside of it.", static (o, v) => o.KubeConfigPath = v),
        Setting.Choice("Cluster.InCluster", "auto", ["auto", "true", "false"],
            "Ask the API server with the pod's service account; auto: when there is one and Cluster.ConfigPath is empty. The environment variable IN_CLUSTER sets it too.", static (o, v) => o.InCluster = v),
        Setting.Text("Cluster.NetInterface", "", "an interface's name, such as cni0; empty to watch all local sockets", "Interface to capture on instead of local sockets.", static (o, v) => o.NetInterface = v, IsInterfaceName),
        Setting.Reserved("App.LogSavePath", "", "Directory of the log file. Not used yet: messages go to standard error."),
        Setting.Reserved("App.LogFileName", "", "Name of the log file. Not used yet."),
        Setting.Reserved("App.LogFileExt", "", "Extension of the log file. Not used yet."),
    ];

    /// <summary>Environment variables that features to come will read.</summary>
    public static IReadOnlyList<string> ReservedEnvironment { get; } = ["INFLUX_ADDR", "INFLUX_ORG", "INFLUX_BUCKET", "INFLUX_TOKEN"];

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
