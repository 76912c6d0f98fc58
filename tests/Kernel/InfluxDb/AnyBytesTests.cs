using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.InfluxDb;

/// <summary>Whatever is on the wire or in a name, the real server takes it, as one point, and gives back what was meant.</summary>
public sealed class AnyBytesTests
{
    private const long FirstNs = 1_770_000_000_000_000_000;

    [Fact]
    public void Texts_of_random_bytes_come_back_as_they_were()
    {
        const int Requests = 3000;
        using InfluxServer server = new();
        using RunningSink sink = new(server);
        Random random = new(4711);
        byte[][] targets = [.. Enumerable.Range(0, Requests).Select(_ => Bytes(random))];
        byte[][] hosts = [.. Enumerable.Range(0, Requests).Select(_ => Bytes(random))];
        byte[][] traces = [.. Enumerable.Range(0, Requests).Select(_ => Bytes(random))];
        Workload workload = new("web", WorkloadSource.Process);
        byte[] buffer = new byte[4096];
        for (int i = 0; i < Requests; i++)
        {
            AttributeWriter attributes = new(buffer);
            Assert.True(attributes.TryAdd("trace_id"u8, traces[i]));
            sink.Request(workload, FirstNs + i, targets[i], hosts[i], attributes: attributes.Written);
        }
        sink.WaitForOut("log", Requests);
        IReadOnlyList<IReadOnlyDictionary<string, JsonElement>> rows = server.Query("SELECT url, host, trace_id, srcport FROM traffic ORDER BY time");
        Assert.Equal(Requests, rows.Count);
        for (int i = 0; i < Requests; i++)
        {
            Assert.Equal(FirstNs + i, rows[i]["time"].GetInt64());
            Assert.Equal(Expected(targets[i]), rows[i]["url"].GetString());
            Assert.Equal(Expected(hosts[i]), rows[i]["host"].GetString());
            Assert.Equal(Expected(traces[i]), rows[i]["trace_id"].GetString());
        }
        Assert.Equal(1, server.Cardinality("traffic"));
        Assert.Equal(["traffic"], server.Query("SHOW MEASUREMENTS").Select(static row => row["name"].GetString() == "measurements" ? "?" : row["name"].GetString()));
    }

    [Fact]
    public void Names_of_random_characters_are_one_tag_each()
    {
        const int Requests = 3000;
        using InfluxServer server = new();
        using RunningSink sink = new(server);
        Random random = new(815);
        string[] names = [.. Enumerable.Range(0, Requests).Select(_ => Name(random))];
        for (int i = 0; i < Requests; i++)
        {
            sink.Request(new Workload(names[i], WorkloadSource.Process) { Namespace = "\\", Pod = "a\\ b" }, FirstNs + i, "/"u8);
        }
        sink.WaitForOut("log", Requests);
        Assert.Equal(Requests, server.Count("traffic", "srcport"));
        IReadOnlyList<IReadOnlyDictionary<string, JsonElement>> rows = server.Query("SELECT workload, namespace, podname, flow, srcport FROM traffic ORDER BY time");
        for (int i = 0; i < Requests; i++)
        {
            Assert.Equal((ExpectedName(names[i]), "?", "a? b", "ingress"), (rows[i]["workload"].GetString(), rows[i]["namespace"].GetString(), rows[i]["podname"].GetString(), rows[i]["flow"].GetString()));
        }
        string[] tags = [.. server.Query("SHOW TAG KEYS FROM traffic").Select(static row => row["tagKey"].GetString()!)];
        Assert.Equal(["flow", "namespace", "nodename", "podname", "type", "workload"], tags);
    }

    /// <summary>Bytes that mean something to somebody, more often than others.</summary>
    private static byte[] Bytes(Random random)
    {
        byte[] bytes = new byte[random.Next(1, random.Next(2, 400))];
        random.NextBytes(bytes);
        ReadOnlySpan<byte> special = "\\\"\n\r\t\0 ,=#i\x7f\u00e9\ud83d\ude00"u8;
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = random.Next(3) switch { 0 => bytes[i], 1 => special[random.Next(special.Length)], _ => (byte)random.Next('a', 'z' + 1) };
        }
        return bytes;
    }

    private static string Name(Random random)
    {
        const string Special = "\\\\\\,,== \"'\n\r\t\0\u007f\u0085\u00a0\u2028\ufffd\ue000\ud800\udc00é漢x";
        return string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(4) == 0 ? "😀" : Special[random.Next(Special.Length)].ToString()));
    }

    private static string Expected(byte[] bytes) => Regex.Replace(Encoding.UTF8.GetString(bytes), "[\\x00-\\x08\\x0a-\\x1f\\x7f]", "\ufffd");

    private static string ExpectedName(string name)
    {
        string wellFormed = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(name));
        string printable = Regex.Replace(wellFormed, "[\\p{C}\\p{Z}\ufffd-[ \ud800-\udfff]]", "?");
        return Regex.Replace(printable, "\\\\(?=[\\\\,= ]|\\z)", "?");
    }
}
