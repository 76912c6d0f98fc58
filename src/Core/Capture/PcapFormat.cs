namespace KubeBpfBox.Core.Capture;

/// <summary>The classic file format.</summary>
/// <remarks>
/// Shape: header (magic 4, major 2, minor 2, zone 4, sigfigs 4, snap length 4, link type 4), then records (seconds 4, fraction 4,
/// captured 4, original 4, bytes). Source: draft-ietf-opsawg-pcap.
/// </remarks>
internal sealed class PcapFormat : CaptureFormat
{
    /// <summary>Fractions are microseconds.</summary>
    public const uint MagicMicroseconds = 0xA1B2C3D4;

    /// <summary>Fractions are nanoseconds.</summary>
    public const uint MagicNanoseconds = 0xA1B23C4D;

    /// <summary>Bytes of the file header.</summary>
    public const int HeaderBytes = 24;

    private const int RecordHeaderBytes = 16;

    private readonly LinkType _linkType;
    private readonly uint _nsPerFraction;

    /// <summary>Reads the file header; the caller has seen the magic.</summary>
    public PcapFormat(CaptureBuffer buffer, bool bigEndian, bool nanoseconds)
        : base(buffer)
    {
        IsBigEndian = bigEndian;
        _nsPerFraction = nanoseconds ? 1u : 1000u;
        if (!Buffer.TryPeek(HeaderBytes, out ReadOnlySpan<byte> header))
        {
            Ended(0, "file header");
            return;
        }
        if (U16(header, 4) != 2)
        {
            Damaged($"pcap version {U16(header, 4)}.{U16(header, 6)} at byte 4; version 2 expected");
            return;
        }
        // The upper half tells of a frame check sequence; the length field of IP keeps that out of the payload.
        _linkType = (LinkType)(U32(header, 20) & 0xFFFF);
        Buffer.Advance(HeaderBytes);
    }

    /// <inheritdoc/>
    public override bool TryRead(out CapturedPacket packet)
    {
        packet = default;
        long offset = Buffer.Offset;
        if (!Buffer.TryPeek(RecordHeaderBytes, out ReadOnlySpan<byte> header))
        {
            return Ended(offset, "packet record");
        }
        uint captured = U32(header, 8);
        if (captured > MaxRecordBytes)
        {
            return Damaged($"damaged at byte {offset}: a packet record of {captured} bytes; at most {MaxRecordBytes} are possible");
        }
        int length = RecordHeaderBytes + (int)captured;
        if (!Buffer.TryPeek(length, out ReadOnlySpan<byte> record))
        {
            return Ended(offset, "packet record");
        }
        packet = new CapturedPacket
        {
            TimestampNs = (U32(record, 0) * 1_000_000_000L) + ((long)U32(record, 4) * _nsPerFraction),
            LinkType = _linkType,
            Data = record[RecordHeaderBytes..],
            OriginalLength = OriginalLength(U32(record, 12), (int)captured),
            FileOffset = offset,
        };
        Buffer.Advance(length);
        return true;
    }
}
