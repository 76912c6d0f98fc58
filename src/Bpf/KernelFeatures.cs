using System.Globalization;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>What this kernel and this process can do. Facts are asked of the kernel, not guessed from its version.</summary>
public static partial class KernelFeatures
{
    private static readonly Lazy<int> s_possibleCpus = new(static () =>
    {
        LibbpfLoader.EnsureReady();
        int count = Libbpf.libbpf_num_possible_cpus();
        return count > 0 ? count : throw BpfException.From("read the number of possible CPUs", count);
    });

    /// <summary>The kernel's release as text, such as "6.1.0-18-amd64".</summary>
    public static string ReleaseText { get; } = ReadRelease();

    /// <summary>Major and minor of the release; 0.0 when it cannot be read.</summary>
    public static Version Release { get; } = ParseRelease(ReleaseText);

    /// <summary>Version of libbpf, such as "1.1".</summary>
    public static string LibbpfVersion
    {
        get
        {
            LibbpfLoader.EnsureReady();
            return $"{Libbpf.libbpf_major_version()}.{Libbpf.libbpf_minor_version()}";
        }
    }

    /// <summary>Number of CPUs that may ever run: the number of values in a per-CPU map's element.</summary>
    public static int PossibleCpuCount => s_possibleCpus.Value;

    /// <summary>Reads the first two numbers: distributions add anything behind them.</summary>
    internal static Version ParseRelease(string release)
    {
        string[] parts = release.Split('.', 3);
        int minorLength = parts.Length > 1 ? parts[1].AsSpan().IndexOfAnyExceptInRange('0', '9') : 0;
        ReadOnlySpan<char> minorText = parts.Length > 1 ? parts[1].AsSpan(0, minorLength < 0 ? parts[1].Length : minorLength) : "";
        return int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int major)
            && int.TryParse(minorText, NumberStyles.None, CultureInfo.InvariantCulture, out int minor)
            ? new Version(major, minor)
            : new Version(0, 0);
    }

    private static string ReadRelease()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
