using System.Text.Json.Nodes;

namespace KubeBpfBox.Conformance;

/// <summary>A capture that was recorded here, with what its clients and servers know of it.</summary>
internal sealed class GoldenCapture
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "protocols/http1/testcases/captures");

    public GoldenCapture(string name)
    {
        File = System.IO.File.ReadAllBytes(Path.Combine(s_folder, $"{name}.pcap"));
        Expected = [.. System.IO.File.ReadLines(Path.Combine(s_folder, $"{name}.expected.jsonl")).Select(static line => JsonNode.Parse(line)!.AsObject())];
    }

    /// <summary>Names of all.</summary>
    public static TheoryData<string> All =>
        [.. Directory.GetFiles(s_folder, "*.pcap").Select(static path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    public byte[] File { get; }

    public List<JsonObject> Expected { get; }

    /// <summary>Addresses of the servers.</summary>
    public HashSet<string> Servers => [.. Expected.Select(static line => (string)line["server"]!)];

    /// <summary>The fields of an expected line as one text, from it or from a line that was printed.</summary>
    public static string Key(JsonObject line, IEnumerable<string> fields) =>
        string.Join(' ', fields.Select(field => $"{field}={line[field]?.ToJsonString() ?? "null"}"));

    /// <summary>Fails unless each expected line was printed once and nothing else, in order on each connection.</summary>
    public static void AssertSame(IReadOnlyList<JsonObject> expected, IEnumerable<JsonObject> printed)
    {
        List<JsonObject> rest = [.. printed];
        List<string> missing = [];
        Dictionary<string, DateTimeOffset> lastStart = [];
        foreach (JsonObject line in expected)
        {
            string[] fields = [.. line.Select(static field => field.Key)];
            string wanted = Key(line, fields);
            JsonObject? hit = rest.Find(other => Key(other, fields) == wanted);
            if (hit is null)
            {
                missing.Add(wanted);
                continue;
            }
            rest.Remove(hit);
            string connection = (string)line["client"]!;
            DateTimeOffset start = DateTimeOffset.Parse((string)hit["start"]!, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(start >= lastStart.GetValueOrDefault(connection), $"out of order: {wanted}");
            lastStart[connection] = start;
        }
        Assert.True(missing.Count == 0 && rest.Count == 0,
            $"missing:\n{string.Join('\n', missing)}\nnot expected:\n{string.Join('\n', rest.Select(static line => line.ToJsonString()))}");
    }
}

/// <summary>Files of the repository.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "KubeBpfBox.slnx")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new DirectoryNotFoundException("the tests run outside the repository");
        }
        return directory;
    }
}
