namespace KubeBpfBox.Core.Records;

/// <summary>Times for output, in UTC. Any number of nanoseconds since the epoch has a text: a long spans the years 1677 to 2262.</summary>
internal static class TimestampText
{
    private const long NsPerSecond = 1_000_000_000;

    /// <summary>Writes "2026-01-31T12:34:56.123456789Z" (RFC 3339).</summary>
    public static void WriteRfc3339(ref Utf8Sink sink, long timestampNs)
    {
        DateTime second = Split(timestampNs, out uint ns);
        (DateOnly date, TimeOnly time) = second;
        (int year, int month, int day) = date;
        sink.Digits((uint)year, 4);
        sink.Byte((byte)'-');
        sink.Digits((uint)month, 2);
        sink.Byte((byte)'-');
        sink.Digits((uint)day, 2);
        sink.Byte((byte)'T');
        WriteTime(ref sink, time);
        sink.Byte((byte)'.');
        sink.Digits(ns, 9);
        sink.Byte((byte)'Z');
    }

    /// <summary>Writes "12:34:56.123".</summary>
    public static void WriteTimeOfDay(ref Utf8Sink sink, long timestampNs)
    {
        (_, TimeOnly time) = Split(timestampNs, out uint ns);
        WriteTime(ref sink, time);
        sink.Byte((byte)'.');
        sink.Digits(ns / 1_000_000, 3);
    }

    private static DateTime Split(long timestampNs, out uint ns)
    {
        (long seconds, long rest) = Math.DivRem(timestampNs, NsPerSecond);
        if (rest < 0)
        {
            seconds--;
            rest += NsPerSecond;
        }
        ns = (uint)rest;
        return DateTime.UnixEpoch.AddTicks(seconds * TimeSpan.TicksPerSecond);
    }

    private static void WriteTime(ref Utf8Sink sink, TimeOnly time)
    {
        sink.Digits((uint)time.Hour, 2);
        sink.Byte((byte)':');
        sink.Digits((uint)time.Minute, 2);
        sink.Byte((byte)':');
        sink.Digits((uint)time.Second, 2);
    }
}
