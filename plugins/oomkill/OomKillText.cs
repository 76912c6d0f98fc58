using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Plugins.OomKill;

/// <summary>Text of the kernel's records.</summary>
internal static class OomKillText
{
    /// <summary>The longest path, slashes included.</summary>
    public const int MaxPathBytes = OomKillLayout.Levels * OomKillLayout.NameBytes;

    /// <summary>What stands before the first NUL.</summary>
    public static ReadOnlySpan<byte> UntilNul(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)0);
        return end < 0 ? text : text[..end];
    }

    /// <summary>The same as text that is safe to print.</summary>
    public static string Name(ReadOnlySpan<byte> text) => PrintableText.Decode(UntilNul(text));

    /// <summary>Joins the names of a cgroup and of those around it, outermost first: "kubepods/burstable/pod…/…".</summary>
    /// <param name="cgroup">The names.</param>
    /// <param name="path">Room for <see cref="MaxPathBytes"/>.</param>
    /// <returns>How many bytes were written; 0 for the root.</returns>
    public static int WritePath(in OomKillCgroup cgroup, Span<byte> path)
    {
        int length = 0;
        for (int level = OomKillLayout.Levels - 1; level >= 0; level--)
        {
            ReadOnlySpan<byte> names = cgroup;
            ReadOnlySpan<byte> name = UntilNul(names.Slice(level * OomKillLayout.NameBytes, OomKillLayout.NameBytes));
            if (name.IsEmpty)
            {
                continue;
            }
            if (length > 0)
            {
                path[length++] = (byte)'/';
            }
            name.CopyTo(path[length..]);
            length += name.Length;
        }
        return length;
    }

    /// <summary>The same as text that is safe to print.</summary>
    public static string Path(in OomKillCgroup cgroup)
    {
        Span<byte> path = stackalloc byte[MaxPathBytes];
        return PrintableText.Decode(path[..WritePath(in cgroup, path)]);
    }
}
