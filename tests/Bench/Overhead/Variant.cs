namespace KubeBpfBox.Bench.Overhead;

/// <summary>A kind of traffic.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Path">What is asked for.</param>
/// <param name="IsRealistic">Heads as browsers send them, instead of wrk's bare ones.</param>
internal sealed record Variant(string Name, string Path, bool IsRealistic)
{
    public static IReadOnlyList<Variant> All { get; } =
    [
        new("small", "/", false),
        new("headers", "/", true),
        new("10k", "/10k", false),
        new("100k", "/100k", false),
    ];
}
