using System.Text.Json.Nodes;

namespace KubeBpfBox.Conformance;

/// <summary>
/// Captures that others made, when they lie beside the repository in ../shared/conformance, or where KUBEBPFBOX_CONFORMANCE says: a folder for each
/// protocol with CAPTURE and CAPTURE.expected.jsonl.
/// </summary>
/// <remarks>
/// A capture passes when each line of protocol http that is not optional is found once and nothing is printed that matches no line; optional lines
/// match by client, server and, where it is not null, status.
/// </remarks>
public sealed class SharedCaptureTests
{
    private static readonly string s_folder = Environment.GetEnvironmentVariable("KUBEBPFBOX_CONFORMANCE")
        ?? Path.GetFullPath(Path.Combine(Repository.Root, "../shared/conformance"));

    private static readonly string[] s_identity = ["client", "server", "method", "target", "status", "version"];

    public static TheoryData<string> Captures => Find();

    [Theory]
    [MemberData(nameof(Captures))]
    public void Found_and_nothing_more(string name)
    {
        Assert.SkipWhen(name.Length == 0, "no captures of others beside the repository (../shared/conformance)");
        string path = Path.Combine(s_folder, name);
        List<JsonObject> expected = ReadExpected(path);
        List<JsonObject> rest = Pipeline.Run(File.ReadAllBytes(path));
        List<string> missing = [];
        foreach (JsonObject line in expected.Where(static line => !IsOptional(line)))
        {
            JsonObject? hit = rest.Find(printed => Variants(line).Contains(GoldenCapture.Key(printed, s_identity)));
            if (hit is null)
            {
                missing.Add(GoldenCapture.Key(line, s_identity));
            }
            else
            {
                rest.Remove(hit);
            }
        }
        foreach (JsonObject line in expected.Where(IsOptional))
        {
            string[] fields = line["status"] is null ? ["client", "server"] : ["client", "server", "status"];
            string key = GoldenCapture.Key(line, fields);
            if (rest.Find(printed => GoldenCapture.Key(printed, fields) == key) is { } hit)
            {
                rest.Remove(hit);
            }
        }
        Assert.True(missing.Count == 0 && rest.Count == 0,
            $"missing:\n{string.Join('\n', missing)}\nnot expected:\n{string.Join('\n', rest.Select(static line => line.ToJsonString()))}");
    }

    private static HashSet<string> Variants(JsonObject line)
    {
        HashSet<string> keys = [GoldenCapture.Key(line, s_identity)];
        foreach (JsonNode? target in line["target_alt"]?.AsArray() ?? [])
        {
            JsonObject other = line.DeepClone().AsObject();
            other["target"] = (string)target!;
            keys.Add(GoldenCapture.Key(other, s_identity));
        }
        return keys;
    }

    private static bool IsOptional(JsonObject line) => line["optional"] is { } optional && (bool)optional;

    private static List<JsonObject> ReadExpected(string path) =>
        [.. File.ReadLines($"{path}.expected.jsonl").Where(static line => line.Trim().Length > 0).Select(static line => JsonNode.Parse(line)!.AsObject())
            .Where(static line => (string)line["protocol"]! == "http")];

    private static TheoryData<string> Find()
    {
        TheoryData<string> names = [];
        const string Suffix = ".expected.jsonl";
        IEnumerable<string> files = Directory.Exists(s_folder) ? Directory.GetFiles(s_folder, $"*{Suffix}", SearchOption.AllDirectories) : [];
        foreach (string file in files.Select(static file => file[..^Suffix.Length]).Order(StringComparer.Ordinal))
        {
            // What is encrypted is another part's.
            if (Path.GetFileName(Path.GetDirectoryName(file)) != "tls" && ReadExpected(file).Count > 0)
            {
                names.Add(Path.GetRelativePath(s_folder, file));
            }
        }
        if (names.Count == 0)
        {
            names.Add("");
        }
        return names;
    }
}
