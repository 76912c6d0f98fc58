using System.Globalization;

namespace KubeBpfBox.Core.Export;

/// <summary>The directory of a spool: names, rights, and the lock that keeps a second process out.</summary>
/// <remarks>
/// Shape: <c>lock</c>; segments <c>log-0000000001.spool</c>, numbered in the order of their making; <c>log.damaged</c>, the last file of that kind that was none of ours.
/// </remarks>
internal static class SpoolFiles
{
    private const string Extension = ".spool";
    private const int MinDigits = 10;

    // So that there is always a next one.
    private const int MaxDigits = 15;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly string[] s_names = ["log", "events", "aggregates"];

    /// <summary>Makes the directory if need be; only its owner may look into it: requests lie in it.</summary>
    public static void MakeDirectory(string directory)
    {
        UnixFileMode mode = OwnerOnly | UnixFileMode.UserExecute;
        DirectoryInfo info = Directory.CreateDirectory(directory, mode);
        if (info.UnixFileMode != mode)
        {
            info.UnixFileMode = mode;
        }
    }

    /// <summary>Locks the directory; the lock ends with the process, however that ends.</summary>
    /// <exception cref="IOException">Another process has it.</exception>
    public static FileStream Lock(string directory)
    {
        string path = Path.Combine(directory, "lock");
        FileStreamOptions options = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0, UnixCreateMode = OwnerOnly };
        try
        {
            return new FileStream(path, options);
        }
        // Source: errno(3), EAGAIN of flock(2).
        catch (IOException e) when (e.HResult == 11)
        {
            throw new IOException($"another process works with this directory ('fuser {path}' tells which); give each its own");
        }
    }

    /// <summary>The segment's file name.</summary>
    public static string NameOf(ExportKind kind, long number) => string.Create(CultureInfo.InvariantCulture, $"{s_names[(int)kind]}-{number:D10}{Extension}");

    /// <summary>The segments of a kind by name, in order.</summary>
    public static List<(string Path, long Number)> Find(string directory, ExportKind kind)
    {
        string prefix = s_names[(int)kind] + "-";
        List<(string Path, long Number)> found = [];
        foreach (string path in Directory.EnumerateFiles(directory, $"{prefix}*{Extension}"))
        {
            string digits = Path.GetFileNameWithoutExtension(path)[prefix.Length..];
            if (digits.Length is >= MinDigits and <= MaxDigits && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                found.Add((path, number));
            }
        }
        found.Sort(static (a, b) => a.Number.CompareTo(b.Number));
        return found;
    }

    /// <summary>Puts a file out of the way that is not what its name says.</summary>
    /// <returns>Where it is now; the one that was there before is gone, so that they do not pile up.</returns>
    public static string MoveAside(string path, ExportKind kind)
    {
        string aside = Path.Combine(Path.GetDirectoryName(path)!, s_names[(int)kind] + ".damaged");
        File.Move(path, aside, overwrite: true);
        return aside;
    }
}
