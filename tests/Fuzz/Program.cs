using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using KubeBpfBox.Fuzz;

// usage: Fuzz [--seconds 20] [--seed N] [--target NAME] [--into FOLDER]
// Mutates good inputs of every target and runs them. An input that breaks one is written to tests/Fuzz/crashes, where a unit test replays it.
// Exit status: 0 when nothing broke, 1 when something did.
Dictionary<string, string> options = [];
for (int i = 0; i + 1 < args.Length; i += 2)
{
    options[args[i]] = args[i + 1];
}
double seconds = double.Parse(options.GetValueOrDefault("--seconds", "20"), CultureInfo.InvariantCulture);
int seed = int.Parse(options.GetValueOrDefault("--seed", "1"), CultureInfo.InvariantCulture);
string folder = options.GetValueOrDefault("--into", Path.Combine(Fuzzer.Root, "tests/Fuzz/crashes"));
List<IFuzzTarget> targets = [.. FuzzTargets.All.Where(target => target.Name == options.GetValueOrDefault("--target", target.Name))];
int broken = 0;
foreach (IFuzzTarget target in targets)
{
    Fuzzer fuzzer = new(target, seed, folder);
    fuzzer.Run(TimeSpan.FromSeconds(seconds / targets.Count));
    broken += fuzzer.Broken;
    Console.WriteLine($"{target.Name}: {fuzzer.Count} inputs, {fuzzer.Broken} broke it, seed {seed}");
}
return broken == 0 ? 0 : 1;

/// <summary>Runs one target.</summary>
internal sealed class Fuzzer(IFuzzTarget target, int seed, string folder)
{
    private const int MaxBroken = 5;
    private static readonly TimeSpan s_hang = TimeSpan.FromSeconds(20);
    private byte[] _current = [];
    private long _startedAt = Stopwatch.GetTimestamp();

    public static string Root => Corpus.Root;

    public long Count { get; private set; }

    public int Broken { get; private set; }

    public void Run(TimeSpan time)
    {
        Mutator mutator = new(seed);
        List<byte[]> seeds = [.. target.Seeds()];
        using Timer watch = new(_ => EndIfHung(), null, s_hang, TimeSpan.FromSeconds(1));
        HashSet<string> known = [];
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        while (Stopwatch.GetTimestamp() < end && Broken < MaxBroken)
        {
            _current = mutator.Mutate(mutator.Choose(seeds), mutator.Choose(seeds));
            Volatile.Write(ref _startedAt, Stopwatch.GetTimestamp());
            Count++;
            try
            {
                target.Run(_current);
            }
            catch (Exception e)
            {
                // One file for each place that breaks.
                if (known.Add($"{e.GetType()} {e.Message} {e.StackTrace?.Split('\n').Skip(1).FirstOrDefault()}"))
                {
                    Broken++;
                    Save(e.ToString());
                }
            }
        }
    }

    private void Save(string why)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, $"{target.Name}-{Convert.ToHexStringLower(SHA256.HashData(_current))[..12]}.bin");
        File.WriteAllBytes(path, _current);
        Console.Error.WriteLine($"{path}: {why}");
    }

    private void EndIfHung()
    {
        if (Stopwatch.GetElapsedTime(Volatile.Read(ref _startedAt)) > s_hang)
        {
            Save($"no end after {s_hang.TotalSeconds} s");
            Environment.Exit(1);
        }
    }
}
