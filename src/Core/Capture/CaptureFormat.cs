using System.Buffers.Binary;

namespace KubeBpfBox.Core.Capture;

/// <summary>One file format: cuts the data into packets.</summary>
internal abstract class CaptureFormat(CaptureBuffer buffer)
{
    /// <summary>Longest packet or block that is taken as real; the largest snap length in use is 256 KiB, GRO packets reach 512 KiB.</summary>
    public const int MaxRecordBytes = 16 * 1024 * 1024;

    /// <summary>The data.</summary>
    protected CaptureBuffer Buffer { get; } = buffer;

    /// <summary>True when multi-byte fields have the most significant byte first.</summary>
    protected bool IsBigEndian { get; set; }

    /// <summary>What ended the reading before the end of the data, without the file's name; null when nothing did.</summary>
    public string? Damage { get; private set; }

    /// <summary>The next packet; false at the end or after damage.</summary>
    public abstract bool TryRead(out CapturedPacket packet);

    /// <summary>A 16-bit field in the file's byte order.</summary>
    protected ushort U16(ReadOnlySpan<byte> bytes, int at)
    {
        ushort value = BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
        return IsBigEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    /// <summary>A 32-bit field in the file's byte order.</summary>
    protected uint U32(ReadOnlySpan<byte> bytes, int at)
    {
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
        return IsBigEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    /// <summary>The bytes on the wire, whatever a file claims: at least what was captured, at most what an int holds.</summary>
    protected static int OriginalLength(uint original, int captured) => (int)Math.Clamp(original, (uint)captured, int.MaxValue);

    /// <summary>Ends the reading because a field makes no sense.</summary>
    protected bool Damaged(string what)
    {
        Damage = what;
        return false;
    }

    /// <summary>Ends the reading because the data ended inside a record; says nothing when it ended between two.</summary>
    protected bool Ended(long recordOffset, string record)
    {
        long end = Buffer.Offset + Buffer.Available;
        if (Buffer.ReadError is { } error)
        {
            Damage = $"cannot be read on at byte {end}: {error}";
        }
        else if (end > recordOffset)
        {
            Damage = $"cut off at byte {end}, inside the {record} that starts at byte {recordOffset}";
        }
        return false;
    }
}
