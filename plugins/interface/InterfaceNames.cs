namespace KubeBpfBox.Plugins.Interface;

/// <summary>The interfaces of this thread's network namespace.</summary>
internal static class InterfaceNames
{
    private const int MaxListed = 12;
    private const int HeadingLines = 2;

    /// <summary>The kernel's number of an interface; 0 when there is none of this name.</summary>
    public static int IndexOf(string name) => (int)Native.if_nametoindex(name);

    /// <summary>What there is, for messages: "cni0, eth0, lo".</summary>
    public static string List()
    {
        try
        {
            // Inter-|   Receive …
            //    lo: 1234 …
            string[] names = [.. File.ReadLines("/proc/thread-self/net/dev").Skip(HeadingLines).Select(static line => line[..line.IndexOf(':', StringComparison.Ordinal)].Trim()).Order(StringComparer.Ordinal)];
            string listed = string.Join(", ", names.Take(MaxListed));
            return names.Length > MaxListed ? $"{listed} and {names.Length - MaxListed} more" : listed;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"others that cannot be listed ({e.Message})";
        }
    }
}
