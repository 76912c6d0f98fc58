using System.Diagnostics.CodeAnalysis;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>The stored form.</summary>
/// <remarks>
/// Shape: version (1 byte), sum, maximum, then for each bucket that is not empty, in order of duration, its count. In version 2 the count is
/// doubled, and one more when empty buckets come before it; then follows how many. So neighbours, which are the rule where much happens, take
/// one byte each. In version 1, which is only read, the number of empty ones stands before each count.
/// Numbers are varints: seven bits a byte, lowest first, the high bit says that more follow. Bucket 0 is "1 µs and less".
/// </remarks>
public sealed partial class DurationHistogram
{
    private const byte FormatVersion = 2;
    private const byte OldVersion = 1;
    private const int StoredBucketCount = BucketCount + 2;

    /// <summary>Most bytes that a histogram takes: <see cref="Write"/> needs no more.</summary>
    internal const int MaxSerializedBytes = 32 + (StoredBucketCount * 12);

    /// <summary>The histogram as bytes, a few for each bucket in use.</summary>
    public byte[] Serialize()
    {
        Span<byte> buffer = stackalloc byte[MaxSerializedBytes];
        return buffer[..Write(buffer)].ToArray();
    }

    /// <summary>Writes what <see cref="Serialize"/> gives.</summary>
    /// <param name="buffer">Of <see cref="MaxSerializedBytes"/> at least.</param>
    /// <returns>How many bytes were written.</returns>
    internal int Write(Span<byte> buffer)
    {
        buffer[0] = FormatVersion;
        int at = 1;
        at += Varint.Write(buffer[at..], _sumNs);
        at += Varint.Write(buffer[at..], _maxNs);
        int next = 0;
        for (int index = 0; index < StoredBucketCount; index++)
        {
            if (index is > 0 and < StoredBucketCount - 1 && _decades[(index - 1) / BucketsPerDecade] is null)
            {
                index += BucketsPerDecade - 1;
                continue;
            }
            long count = Math.Min(StoredCountOf(index), MaxCount);
            if (count != 0)
            {
                bool isNeighbour = index == next;
                at += Varint.Write(buffer[at..], (count << 1) | (isNeighbour ? 0 : 1L));
                at += isNeighbour ? 0 : Varint.Write(buffer[at..], index - next);
                next = index + 1;
            }
        }
        return at;
    }

    /// <summary>Reads what <see cref="Serialize"/> wrote.</summary>
    /// <returns>False for bytes that no histogram serializes to. Total: any bytes give an answer and bounded work.</returns>
    public static bool TryDeserialize(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out DurationHistogram? histogram)
    {
        DurationHistogram read = new();
        histogram = read.TryAddSerialized(bytes) ? read : null;
        return histogram is not null;
    }

    /// <summary>Adds what another histogram recorded, as <see cref="Serialize"/> wrote it. Allocates nothing but the counters of decades that were not in use.</summary>
    /// <returns>False for bytes that no histogram serializes to; then nothing is changed. Total, as <see cref="TryDeserialize"/>.</returns>
    public bool TryAddSerialized(ReadOnlySpan<byte> bytes)
    {
        if (!IsSerialized(bytes, out long count))
        {
            return false;
        }
        StoredReader reader = new(bytes);
        while (reader.TryRead(out int index, out long inBucket))
        {
            AddStored(index, inBucket);
        }
        _count = AddSaturating(_count, count);
        _sumNs = AddSaturating(_sumNs, reader.SumNs);
        _maxNs = Math.Max(_maxNs, reader.MaxNs);
        return true;
    }

    /// <summary>Whether a histogram can have written the bytes.</summary>
    private static bool IsSerialized(ReadOnlySpan<byte> bytes, out long count)
    {
        count = 0;
        int last = -1;
        StoredReader reader = new(bytes);
        while (reader.TryRead(out int index, out long inBucket))
        {
            if (inBucket > long.MaxValue - count)
            {
                return false;
            }
            count += inBucket;
            last = index;
        }
        // The maximum must lie in the last bucket in use, or quantiles would contradict it.
        return reader.IsAtEnd && (count == 0
            ? reader.SumNs == 0 && reader.MaxNs == 0
            : reader.SumNs >= reader.MaxNs && StoredIndexOf(reader.MaxNs) == last);
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
                _under = AddSaturating(_under, count);
                break;
            case StoredBucketCount - 1:
                _over = AddSaturating(_over, count);
                break;
            default:
                AddToBucket(index - 1, count);
                break;
        }
    }

    /// <summary>Walks over stored bytes, bucket by bucket.</summary>
    private ref struct StoredReader
    {
        private readonly bool _isOld;
        private ReadOnlySpan<byte> _rest;
        private int _next;

        public StoredReader(ReadOnlySpan<byte> bytes)
        {
            bool isVersion = !bytes.IsEmpty && bytes[0] is FormatVersion or OldVersion;
            _isOld = isVersion && bytes[0] == OldVersion;
            _rest = isVersion ? bytes[1..] : default;
            IsAtEnd = isVersion && Varint.TryRead(ref _rest, out SumNs) && Varint.TryRead(ref _rest, out MaxNs) && _rest.IsEmpty;
        }

        public readonly long SumNs;
        public readonly long MaxNs;

        /// <summary>True once all was read and nothing was wrong with it.</summary>
        public bool IsAtEnd { get; private set; }

        /// <summary>The next bucket in use. False at the end, and at what is no histogram.</summary>
        public bool TryRead(out int index, out long count)
        {
            index = 0;
            if (!TryReadPair(out long skipped, out count) || skipped >= StoredBucketCount - _next || count is 0 or > MaxCount)
            {
                _rest = default;
                return false;
            }
            index = _next + (int)skipped;
            _next = index + 1;
            IsAtEnd = _rest.IsEmpty;
            return true;
        }

        private bool TryReadPair(out long skipped, out long count)
        {
            (skipped, count) = (0, 0);
            if (_isOld)
            {
                return Varint.TryRead(ref _rest, out skipped) && Varint.TryRead(ref _rest, out count);
            }
            if (!Varint.TryRead(ref _rest, out long both))
            {
                return false;
            }
            count = both >> 1;
            return (both & 1) == 0 || (Varint.TryRead(ref _rest, out skipped) && skipped != 0);
        }
    }
}
