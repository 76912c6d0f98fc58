using System.Buffers;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Core.History;

/// <summary>The rows of one window as bytes.</summary>
/// <remarks>
/// Shape: for each row the number of its key, requests, errors, bytes of requests, bytes of responses, the length of the durations, all as
/// <see cref="Varint"/>; then the durations as <see cref="DurationHistogram.Serialize"/> writes them.
/// </remarks>
internal static class PackedRows
{
    private const int Numbers = 6;

    /// <summary>Most bytes of one row.</summary>
    public const int MaxRowBytes = (Numbers * Varint.MaxBytes) + DurationHistogram.MaxSerializedBytes;

    /// <summary>Appends a row.</summary>
    public static void Write(ArrayBufferWriter<byte> to, int key, long requests, long errors, long requestBytes, long responseBytes, DurationHistogram durations)
    {
        Span<byte> histogram = stackalloc byte[DurationHistogram.MaxSerializedBytes];
        int length = durations.Write(histogram);
        Span<byte> row = to.GetSpan((Numbers * Varint.MaxBytes) + length);
        int at = 0;
        foreach (long number in (ReadOnlySpan<long>)[key, requests, errors, requestBytes, responseBytes, length])
        {
            // A sum that ran over, as damaged captures may bring about, must not cost the rows behind it.
            at += Varint.Write(row[at..], Math.Max(number, 0));
        }
        histogram[..length].CopyTo(row[at..]);
        to.Advance(at + length);
    }
}

/// <summary>One row, as long as the reader stays at it.</summary>
internal ref struct PackedRowReader(ReadOnlySpan<byte> rows)
{
    private ReadOnlySpan<byte> _rest = rows;

    public int Key;
    public long Requests;
    public long Errors;
    public long RequestBytes;
    public long ResponseBytes;
    public ReadOnlySpan<byte> Durations;

    /// <summary>Goes to the next row. False at the end.</summary>
    public bool TryRead()
    {
        if (!Varint.TryRead(ref _rest, out long key) || !Varint.TryRead(ref _rest, out Requests) || !Varint.TryRead(ref _rest, out Errors)
            || !Varint.TryRead(ref _rest, out RequestBytes) || !Varint.TryRead(ref _rest, out ResponseBytes) || !Varint.TryRead(ref _rest, out long length))
        {
            return false;
        }
        Key = (int)key;
        Durations = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return true;
    }
}
