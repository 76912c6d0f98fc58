namespace KubeBpfBox.Unit.InfluxDb;

/// <summary>Walks sinks/influxdb/testcases.</summary>
/// <remarks>With UPDATE_GOLDEN=1 the expected lines are written instead of compared: read the difference before committing it.</remarks>
public sealed class GoldenTests
{
    public static TheoryData<string> Cases() => [.. LineCase.Names];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Lines(string name)
    {
        string folder = Path.Combine(LineCase.Folder, name);
        string[] lines = LineCase.Run(File.ReadAllLines(Path.Combine(folder, "input.jsonl")));
        string path = Path.Combine(folder, "expected.lp");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllLines(path, lines);
        }
        Assert.Equal(File.ReadAllLines(path), lines);
    }
}
