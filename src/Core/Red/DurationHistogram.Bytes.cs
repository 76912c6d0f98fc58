using System.Diagnostics.CodeAnalysis;

namespace KubeBpfBox.Core.Red;

/// <summary>The stored form.</summary>
/// <remarks>
/// Shape: version 1 (1 byte), sum, maximum, then for each bucket that is not empty, in order of duration: how many empty ones were skipped,
/// and its count. Numbers are varints: seven bits a byte, lowest first, the high bit says that more follow. Bucket 0 is "1 µs and less".
/// </remarks>
public sealed partial class DurationHistogram
{
    private const byte FormatVersion = 1;
    private const int StoredBucketCount = BucketCount + 2;

    /// <summary>The histogram as bytes, a few for each bucket in use.</summary>
    public byte[] Serialize()
    {
        Span<byte> buffer = stackalloc byte[32 + (StoredBucketCount * 12)];
        buffer[0] = FormatVersion;
        int at = 1;
        at += WriteVarint(buffer[at..], _sumNs);
        at += WriteVarint(buffer[at..], _maxNs);
        int next = 0;
        for (int index = 0; index < StoredBucketCount; index++)
        {
            long count = StoredCountOf(index);
            if (count != 0)
            {
                at += WriteVarint(buffer[at..], index - next);
                at += WriteVarint(buffer[at..], count);
                next = index + 1;
            }
        }
        return buffer[..at].ToArray();
    }

    /// <summary>Reads what <see cref="Serialize"/> wrote.</summary>
    /// <returns>False for bytes that no histogram serializes to. Total: any bytes give an answer and bounded work.</returns>
    public static bool TryDeserialize(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out DurationHistogram? histogram)
    {
        histogram = null;
        if (bytes.IsEmpty || bytes[0] != FormatVersion)
        {
            return false;
        }
        bytes = bytes[1..];
        DurationHistogram read = new();
        if (!TryReadVarint(ref bytes, out read._sumNs) || !TryReadVarint(ref bytes, out read._maxNs))
        {
            return false;
        }
        int next = 0;
        while (!bytes.IsEmpty)
        {
            if (!TryReadVarint(ref bytes, out long skipped) || !TryReadVarint(ref bytes, out long count)
                || skipped >= StoredBucketCount - next || count == 0 || count > long.MaxValue - read._count)
            {
                return false;
            }
            int index = next + (int)skipped;
            read.AddStored(index, count);
            read._count += count;
            next = index + 1;
        }
        // The maximum must lie in the last bucket in use, or quantiles would contradict it.
        bool consistent = read._count == 0
            ? read._sumNs == 0 && read._maxNs == 0
            : read._sumNs >= read._maxNs && StoredIndexOf(read._maxNs) == next - 1;
        histogram = consistent ? read : null;
        return consistent;
    }

    private static int StoredIndexOf(long ns) => ns switch
    {
        <= MinBoundNs => 0,
        > MaxBoundNs => StoredBucketCount - 1,
        _ => 1 + BucketOf(ns, out int decade) + (decade * BucketsPerDecade),
    };

    private long StoredCountOf(int index) => index switch
    {
        0 => _under,
        StoredBucketCount - 1 => _over,
        _ => CountOf(index - 1),
    };

    private void AddStored(int index, long count)
    {
        switch (index)
        {
            case 0:
                _under = count;
                break;
            case StoredBucketCount - 1:
                _over = count;
                break;
            default:
                AddToBucket(index - 1, count);
                break;
        }
    }

    private static int WriteVarint(Span<byte> to, long value)
    {
        int at = 0;
        for (; value > 0x7f; value >>= 7)
        {
            to[at++] = (byte)(value | 0x80);
        }
        to[at++] = (byte)value;
        return at;
    }

    private static bool TryReadVarint(ref ReadOnlySpan<byte> from, out long value)
    {
        value = 0;
        // Nine groups of seven bits hold every number that is not negative.
        for (int i = 0; i < 9 && i < from.Length; i++)
        {
            value |= (long)(from[i] & 0x7f) << (7 * i);
            if (from[i] < 0x80)
            {
                from = from[(i + 1)..];
                return true;
            }
        }
        return false;
    }
}
