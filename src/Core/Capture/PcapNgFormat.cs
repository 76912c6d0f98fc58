using System.Buffers.Binary;

namespace KubeBpfBox.Core.Capture;

/// <summary>The block format: sections, interfaces and packets; every other block is skipped.</summary>
/// <remarks>
/// Shape of a block: type 4, total length 4, body padded to 4, total length again. A section header starts a section with its own byte
/// order and its own interfaces. Source: draft-ietf-opsawg-pcapng.
/// </remarks>
internal sealed class PcapNgFormat : CaptureFormat
{
    /// <summary>Type of a section header; reads the same in both byte orders.</summary>
    public const uint SectionHeader = 0x0A0D0D0A;

    private const uint ByteOrderMagic = 0x1A2B3C4D;
    private const uint InterfaceDescription = 1;
    private const uint ObsoletePacket = 2;
    private const uint SimplePacket = 3;
    private const uint EnhancedPacket = 6;
    private const int MinBlockBytes = 12;
    private const int MaxInterfaces = 65536;

    private readonly List<Interface> _interfaces = [];
    private long _lastTimestampNs;

    private readonly record struct Interface(LinkType LinkType, uint SnapLength, TimestampScale Scale);

    /// <summary>Reads the first section header; the caller has seen its type.</summary>
    public PcapNgFormat(CaptureBuffer buffer)
        : base(buffer)
    {
        if (Buffer.TryPeek(MinBlockBytes, out _))
        {
            TryReadSection();
        }
        else
        {
            Ended(0, "section header");
        }
    }

    /// <inheritdoc/>
    public override bool TryRead(out CapturedPacket packet)
    {
        packet = default;
        while (true)
        {
            long offset = Buffer.Offset;
            if (!Buffer.TryPeek(MinBlockBytes, out ReadOnlySpan<byte> head))
            {
                return Ended(offset, "block");
            }
            uint type = U32(head, 0);
            if (type == SectionHeader)
            {
                if (!TryReadSection())
                {
                    return false;
                }
                continue;
            }
            uint total = U32(head, 4);
            if (!IsPossible(total))
            {
                return Impossible(offset, type, total);
            }
            if (type is not (InterfaceDescription or ObsoletePacket or SimplePacket or EnhancedPacket))
            {
                if (!TrySkipBlock(offset, total))
                {
                    return false;
                }
                continue;
            }
            if (!TryPeekBlock(offset, type, total, out ReadOnlySpan<byte> block))
            {
                return false;
            }
            Buffer.Advance(block.Length);
            if (type != InterfaceDescription)
            {
                return TryReadPacket(type, block, offset, out packet);
            }
            if (!TryReadInterface(block, offset))
            {
                return false;
            }
        }
    }

    private static bool IsPossible(uint total) => total >= MinBlockBytes && (total & 3) == 0;

    private bool Impossible(long offset, uint type, uint total) => Damaged($"damaged at byte {offset}: a block of type {type} and {total} bytes");

    private bool TryReadSection()
    {
        long offset = Buffer.Offset;
        _ = Buffer.TryPeek(MinBlockBytes, out ReadOnlySpan<byte> head);
        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(head[8..]);
        if (magic != ByteOrderMagic && magic != BinaryPrimitives.ReverseEndianness(ByteOrderMagic))
        {
            return Damaged($"damaged at byte {offset + 8}: the section header has no byte-order magic");
        }
        IsBigEndian = magic != ByteOrderMagic;
        uint total = U32(head, 4);
        if (!IsPossible(total) || total < 28)
        {
            return Impossible(offset, SectionHeader, total);
        }
        if (!Buffer.TryPeek(16, out head))
        {
            return Ended(offset, "section header");
        }
        if (U16(head, 12) != 1)
        {
            return Damaged($"pcapng version {U16(head, 12)}.{U16(head, 14)} at byte {offset + 12}; version 1 expected");
        }
        _interfaces.Clear();
        return TrySkipBlock(offset, total);
    }

    private bool TrySkipBlock(long offset, uint total)
    {
        if (!Buffer.TrySkip(total - 4) || !Buffer.TryPeek(4, out ReadOnlySpan<byte> trailer))
        {
            return Ended(offset, "block");
        }
        if (U32(trailer, 0) != total)
        {
            return Damaged($"damaged at byte {offset}: the block's two lengths, {total} and {U32(trailer, 0)}, differ");
        }
        Buffer.Advance(4);
        return true;
    }

    private bool TryPeekBlock(long offset, uint type, uint total, out ReadOnlySpan<byte> block)
    {
        block = default;
        if (total > MaxRecordBytes)
        {
            return Impossible(offset, type, total);
        }
        if (!Buffer.TryPeek((int)total, out block))
        {
            return Ended(offset, "block");
        }
        uint trailer = U32(block, (int)total - 4);
        return trailer == total || Damaged($"damaged at byte {offset}: the block's two lengths, {total} and {trailer}, differ");
    }

    private bool TryReadInterface(ReadOnlySpan<byte> block, long offset)
    {
        if (block.Length < 20 || _interfaces.Count >= MaxInterfaces)
        {
            return Damaged($"damaged at byte {offset}: an interface description of {block.Length} bytes, number {_interfaces.Count}");
        }
        byte resolution = 6;
        long offsetSeconds = 0;
        ReadOnlySpan<byte> options = block[16..^4];
        while (options.Length >= 4 && U16(options, 0) is not 0 and ushort code)
        {
            int length = U16(options, 2);
            if (length > options.Length - 4)
            {
                break;
            }
            if (code == 9 && length == 1)
            {
                resolution = options[4];
            }
            else if (code == 14 && length == 8)
            {
                ulong low = U32(options, IsBigEndian ? 8 : 4);
                ulong high = U32(options, IsBigEndian ? 4 : 8);
                offsetSeconds = (long)((high << 32) | low);
            }
            options = options[Math.Min(options.Length, 4 + ((length + 3) & ~3))..];
        }
        _interfaces.Add(new Interface((LinkType)U16(block, 8), U32(block, 12), new TimestampScale(resolution, offsetSeconds)));
        return true;
    }

    private bool TryReadPacket(uint type, ReadOnlySpan<byte> block, long offset, out CapturedPacket packet)
    {
        packet = default;
        bool simple = type == SimplePacket;
        int dataAt = simple ? 12 : 28;
        if (block.Length < dataAt + 4)
        {
            return Damaged($"damaged at byte {offset}: a packet block of {block.Length} bytes");
        }
        uint index = simple ? 0 : type == ObsoletePacket ? U16(block, 8) : U32(block, 8);
        if (index >= _interfaces.Count)
        {
            return Damaged($"damaged at byte {offset}: a packet of interface {index}, which was not described before");
        }
        Interface source = _interfaces[(int)index];
        uint original = U32(block, simple ? 8 : 24);
        int room = block.Length - dataAt - 4;
        // A simple packet does not say how much was captured (section 4.4): the snap length does.
        uint captured = simple ? Math.Min(Math.Min(original, (uint)room), source.SnapLength == 0 ? uint.MaxValue : source.SnapLength) : U32(block, 20);
        if (captured > room)
        {
            return Damaged($"damaged at byte {offset}: {captured} captured bytes in a packet block of {block.Length}");
        }
        if (!simple)
        {
            _lastTimestampNs = source.Scale.ToNs(((ulong)U32(block, 12) << 32) | U32(block, 16));
        }
        packet = new CapturedPacket
        {
            TimestampNs = _lastTimestampNs,
            LinkType = source.LinkType,
            Data = block.Slice(dataAt, (int)captured),
            OriginalLength = OriginalLength(original, (int)captured),
            FileOffset = offset,
        };
        return true;
    }
}
