using KubeBpfBox.Fuzz;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Fuzz;

/// <summary>Inputs that broke something once, and the good ones that fuzzing starts from.</summary>
public sealed class CrashTests
{
    public static TheoryData<string> Crashes =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "tests/Fuzz/crashes"), "*.bin").Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Select(static target => target.Name)];

    [Theory]
    [MemberData(nameof(Crashes))]
    public void Stands_what_broke_it(string file) =>
        Target(file[..file.IndexOf('-', StringComparison.Ordinal)]).Run(File.ReadAllBytes(Path.Combine(Repository.Root, "tests/Fuzz/crashes", file)));

    [Theory]
    [MemberData(nameof(Targets))]
    public void Stands_its_seeds_and_what_is_made_of_them(string name)
    {
        List<byte[]> seeds = [.. Target(name).Seeds()];
        Mutator mutator = new(seed: 7);
        Assert.NotEmpty(seeds);
        Assert.All(seeds, Target(name).Run);
        for (int i = 0; i < 200; i++)
        {
            Target(name).Run(mutator.Mutate(mutator.Choose(seeds), mutator.Choose(seeds)));
        }
    }

    private static IFuzzTarget Target(string name) => FuzzTargets.All.Single(target => target.Name == name);
}
