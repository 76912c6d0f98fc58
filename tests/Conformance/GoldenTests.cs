using System.Text.Json.Nodes;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Conformance;

/// <summary>Captures of real servers and clients: as recorded, damaged in ways that change nothing, and damaged in ways that do.</summary>
public sealed class GoldenTests
{
    // Capture points are out of order by milliseconds, not more.
    private const long SwapNs = 10_000_000;

    public static TheoryData<string> Captures => GoldenCapture.All;

    [Theory]
    [MemberData(nameof(Captures))]
    public void As_recorded(string name)
    {
        GoldenCapture capture = new(name);
        GoldenCapture.AssertSame(capture.Expected, Pipeline.Run(capture.File));
    }

    /// <summary>Captured at two interfaces, as on a veth pair and its bridge.</summary>
    [Theory]
    [MemberData(nameof(Captures))]
    public void Every_packet_twice(string name)
    {
        GoldenCapture capture = new(name);
        Packets packets = Packets.Read(capture.File);
        GoldenCapture.AssertSame(capture.Expected, Pipeline.Run(packets.Write(packets.All.SelectMany(static packet => new[] { packet, packet }))));
    }

    /// <summary>Neighbours change places, those of different directions too: a response comes before its request.</summary>
    [Theory]
    [MemberData(nameof(Captures))]
    public void Neighbours_swapped(string name)
    {
        GoldenCapture capture = new(name);
        Packets packets = Packets.Read(capture.File);
        foreach (int first in new[] { 0, 1 })
        {
            List<Packet> swapped = [.. packets.All];
            for (int i = first; i + 1 < swapped.Count; i += 2)
            {
                (Packet one, Packet other) = (swapped[i], swapped[i + 1]);
                if (one.Tcp is { IsPlain: true } && other.Tcp is { IsPlain: true } && other.TimestampNs - one.TimestampNs is >= 0 and < SwapNs)
                {
                    swapped[i] = other with { TimestampNs = one.TimestampNs };
                    swapped[i + 1] = one with { TimestampNs = other.TimestampNs };
                }
            }
            AssertSameButOrder(capture.Expected, Pipeline.Run(packets.Write(swapped)));
        }
    }

    /// <summary>A file cut off anywhere: no more than was there, and nothing made up.</summary>
    [Theory]
    [MemberData(nameof(Captures))]
    public void Cut_off(string name)
    {
        GoldenCapture capture = new(name);
        HashSet<string> requests = [.. capture.Expected.Select(static line => GoldenCapture.Key(line, ["client", "server", "method", "target"]))];
        HashSet<string> answers = [.. capture.Expected.Select(static line => GoldenCapture.Key(line, ["client", "server", "method", "target", "status"]))];
        Random random = new(name.Length);
        for (int i = 0; i < 40; i++)
        {
            List<JsonObject> printed = Pipeline.Run(capture.File[..random.Next(24, capture.File.Length)]);
            Assert.True(printed.Count <= capture.Expected.Count);
            Assert.All(printed, line => Assert.Contains(GoldenCapture.Key(line, ["client", "server", "method", "target"]), requests));
            Assert.All(printed.Where(static line => line["status"] is not null),
                line => Assert.Contains(GoldenCapture.Key(line, ["client", "server", "method", "target", "status"]), answers));
        }
    }

    /// <summary>All requests are there, and none is answered.</summary>
    [Theory]
    [MemberData(nameof(Captures))]
    public void Client_alone(string name)
    {
        GoldenCapture capture = new(name);
        List<JsonObject> printed = Pipeline.Run(OneSide(capture, fromServer: false));
        string[] fields = ["client", "server", "method", "target", "version"];
        // Behind a CONNECT it cannot be told whether the tunnel opened, and behind a request to switch whether the server did.
        bool mayHide = capture.Expected.Exists(static line => line["tunnel"] is not null || line["upgrade"] is not null);
        List<string> wanted = [.. capture.Expected.Where(static line => line["method"] is not null).Select(line => GoldenCapture.Key(line, fields))];
        List<string> found = [.. printed.Select(line => GoldenCapture.Key(line, fields))];
        Assert.All(printed, static line => Assert.Null(line["status"]));
        if (mayHide)
        {
            Assert.Contains(wanted[0], found);
            return;
        }
        Assert.Equal(wanted.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
    }

    /// <summary>All responses are there, and nothing else is made of them.</summary>
    [Theory]
    [MemberData(nameof(Captures))]
    public void Server_alone(string name)
    {
        GoldenCapture capture = new(name);
        List<JsonObject> printed = Pipeline.Run(OneSide(capture, fromServer: true));
        string[] fields = ["client", "server", "status"];
        // Without its CONNECT a response does not tell that a tunnel opens; what is inside may look like more responses.
        HashSet<string> tunnels = [.. capture.Expected.Where(static line => line["tunnel"] is not null).Select(static line => (string)line["client"]!)];
        IEnumerable<string> Keys(IEnumerable<JsonObject> lines) => lines.Where(line => line["status"] is not null && !tunnels.Contains((string)line["client"]!))
            .Select(line => GoldenCapture.Key(line, fields)).Order(StringComparer.Ordinal);
        Assert.All(printed, static line => Assert.Null(line["method"]));
        Assert.Equal(Keys(capture.Expected), Keys(printed));
    }

    private static byte[] OneSide(GoldenCapture capture, bool fromServer)
    {
        Packets packets = Packets.Read(capture.File);
        HashSet<string> servers = capture.Servers;
        return packets.Write(packets.All.Where(packet => packet.Tcp is { } tcp && servers.Contains(Text(tcp.Source)) == fromServer));
    }

    private static void AssertSameButOrder(List<JsonObject> expected, List<JsonObject> printed) =>
        GoldenCapture.AssertSame(expected, printed.OrderBy(static line => (string)line["start"]!, StringComparer.Ordinal));

    private static string Text(Endpoint endpoint)
    {
        Span<byte> text = stackalloc byte[64];
        return System.Text.Encoding.ASCII.GetString(text[..EndpointText.Format(endpoint, text)]);
    }
}
