using System.Globalization;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>A place in rows that are read newest first; rows that come meanwhile do not move it.</summary>
/// <param name="TimeNs">Time of the last row that was looked at, nanoseconds since the Unix epoch.</param>
/// <param name="Id">Its id, which tells rows of one time apart.</param>
public readonly record struct LogCursor(long TimeNs, long Id)
{
    /// <summary>Before all rows.</summary>
    internal static LogCursor Start { get; } = new(long.MaxValue, long.MaxValue);

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out LogCursor cursor)
    {
        cursor = default;
        int dash = text.IndexOf('-');
        if (dash < 0 || !long.TryParse(text[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out long timeNs)
            || !long.TryParse(text[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out long id))
        {
            return false;
        }
        cursor = new LogCursor(timeNs, id);
        return true;
    }

    /// <summary>"1769860800000000000-42".</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{TimeNs}-{Id}");
}
