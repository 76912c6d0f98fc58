using System.Buffers.Binary;
using System.Numerics;

namespace KubeBpfBox.Core.Export;

/// <summary>The head of one batch in a segment of the spool.</summary>
/// <remarks>
/// Shape (little-endian; the payload follows at once):
/// <code>
///  0 magic "KBR1"      8 stored length   16 items           24 time of the oldest item, ns since the epoch (i64)
///  4 state  (u8)      12 length when     20 crc32c of the   32 crc32c of bytes 0 to 31, with a state of 0
///  5 flags  (u8)         inflated           stored payload
///  6 zero   (u16)
/// </code>
/// The state alone changes: 0 waits, 1 is settled. So what was sent is not sent again, and no second file can contradict the first.
/// Errors: <see cref="TryRead"/> is total on any bytes.
/// </remarks>
/// <param name="StoredLength">Bytes of the payload on disk.</param>
/// <param name="Length">Bytes of the payload of the batch.</param>
/// <param name="Items">Items of the batch.</param>
/// <param name="OldestNs">Time of the oldest.</param>
/// <param name="PayloadCrc">Of the payload on disk.</param>
/// <param name="IsDeflated">The payload is deflated.</param>
/// <param name="IsSettled">It came to an end; nothing of it is to be sent.</param>
internal readonly record struct SpoolRecord(int StoredLength, int Length, int Items, long OldestNs, uint PayloadCrc, bool IsDeflated, bool IsSettled)
{
    /// <summary>Bytes of the head.</summary>
    public const int HeadBytes = 36;

    /// <summary>Where the state lies.</summary>
    public const int StateOffset = 4;

    /// <summary>Payload at most: far beyond any batch, and what a damaged head may make us allocate.</summary>
    public const int MaxLength = 64 << 20;

    private const uint Magic = 0x3152424B;
    private const int CrcOffset = 32;
    private const byte DeflatedFlag = 1;

    /// <summary>Head and payload on disk.</summary>
    public long TotalBytes => HeadBytes + (long)StoredLength;

    /// <summary>Reads a head.</summary>
    public static bool TryRead(ReadOnlySpan<byte> head, out SpoolRecord record)
    {
        record = default;
        if (head.Length < HeadBytes || BinaryPrimitives.ReadUInt32LittleEndian(head) != Magic)
        {
            return false;
        }
        Span<byte> copy = stackalloc byte[CrcOffset];
        head[..CrcOffset].CopyTo(copy);
        copy[StateOffset] = 0;
        if (Crc32C(copy) != BinaryPrimitives.ReadUInt32LittleEndian(head[CrcOffset..]))
        {
            return false;
        }
        record = new SpoolRecord(
            BinaryPrimitives.ReadInt32LittleEndian(head[8..]), BinaryPrimitives.ReadInt32LittleEndian(head[12..]), BinaryPrimitives.ReadInt32LittleEndian(head[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(head[24..]), BinaryPrimitives.ReadUInt32LittleEndian(head[20..]), (head[5] & DeflatedFlag) != 0, head[StateOffset] != 0);
        return record.StoredLength is >= 0 and <= MaxLength && record.Length is >= 0 and <= MaxLength && record.Items >= 0 && (head[5] & ~DeflatedFlag) == 0;
    }

    /// <summary>Writes the head of a record that waits.</summary>
    public void Write(Span<byte> head)
    {
        head[..HeadBytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        head[5] = IsDeflated ? DeflatedFlag : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(head[8..], StoredLength);
        BinaryPrimitives.WriteInt32LittleEndian(head[12..], Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[16..], Items);
        BinaryPrimitives.WriteUInt32LittleEndian(head[20..], PayloadCrc);
        BinaryPrimitives.WriteInt64LittleEndian(head[24..], OldestNs);
        BinaryPrimitives.WriteUInt32LittleEndian(head[CrcOffset..], Crc32C(head[..CrcOffset]));
    }

    /// <summary>CRC-32C (Castagnoli), as iSCSI uses it: RFC 3720 12.1.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (byte b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }
        return ~crc;
    }
}
