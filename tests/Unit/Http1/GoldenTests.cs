using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Unit.Http1;

/// <summary>Walks protocols/http1/testcases.</summary>
/// <remarks>With UPDATE_GOLDEN=1 the expected lines are written instead of compared: read the difference before committing it.</remarks>
public sealed class GoldenTests
{
    private static bool IsUpdating => Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1";

    public static TheoryData<string> Cases() => [.. Http1Case.Names];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Whole(string name)
    {
        TransactionRecorder recorder = new();
        Http1Case.Load(name).Run(recorder, _ => false);
        string path = Path.Combine(Http1Case.Folder, name, "expected.jsonl");
        if (IsUpdating)
        {
            File.WriteAllLines(path, recorder.Lines);
        }
        Assert.Equal(File.ReadAllLines(path), recorder.Lines);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Byte_by_byte(string name)
    {
        TransactionRecorder recorder = new();
        Http1Case.Load(name).Run(recorder, _ => true);
        Assert.Equal(Expected(name), recorder.Lines);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Split_at_every_byte(string name)
    {
        Http1Case input = Http1Case.Load(name);
        string[] expected = Expected(name);
        foreach (int at in Places(input.ByteCount))
        {
            TransactionRecorder recorder = new();
            input.Run(recorder, number => number == at);
            Assert.True(expected.SequenceEqual(recorder.Lines), $"{name} split at {at}:\n{string.Join('\n', recorder.Lines)}");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_prefix_reports_nothing_that_was_not_sent(string name)
    {
        Http1Case input = Http1Case.Load(name);
        TransactionRecorder whole = new();
        input.Run(whole, _ => false);
        HashSet<string> targets = [.. whole.Heads.Select(head => head.Method + " " + head.Target)];
        HashSet<int> statuses = [0, .. whole.Heads.Select(head => head.Status)];
        foreach (int length in Places(input.ByteCount))
        {
            TransactionRecorder recorder = new();
            input.Run(recorder, _ => false, length);
            Assert.True(recorder.Lines.Count <= whole.Lines.Count, $"{name} cut at {length}: {recorder.Lines.Count} transactions");
            foreach ((string method, string target, int status) in recorder.Heads)
            {
                // A request line that is longer than what is kept is counted before its end is seen.
                bool isSent = method.Length == 0 || target.Length == Http1Session.MaxTargetLength || targets.Contains(method + " " + target);
                Assert.True(isSent, $"{name} cut at {length}: {method} {target}");
                Assert.True(statuses.Contains(status), $"{name} cut at {length}: status {status}");
            }
        }
    }

    private static string[] Expected(string name) => File.ReadAllLines(Path.Combine(Http1Case.Folder, name, "expected.jsonl"));

    /// <summary>Every byte of a case of ordinary size; of a larger one the edges and a sample.</summary>
    private static IEnumerable<int> Places(int count) => Enumerable.Range(1, Math.Max(0, count - 1))
        .Where(at => count <= 4000 || at < 200 || count - at < 200 || at % 509 == 0);
}
