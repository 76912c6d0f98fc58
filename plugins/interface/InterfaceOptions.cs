namespace KubeBpfBox.Plugins.Interface;

/// <summary>Settings of the capture on an interface.</summary>
public sealed record InterfaceOptions
{
    /// <summary>The interface, as <c>ip link</c> names it.</summary>
    public required string Name { get; init; }

    /// <summary>Size of the ring between kernel and agent; rounded down to blocks of 128 KiB, two at least.</summary>
    public int RingBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Payload bytes copied of one packet at most. At <see cref="WholePacketsFrom"/> packets of recognised protocols are copied whole.</summary>
    public int BytesPerPacket { get; init; } = WholePacketsFrom;

    /// <summary>Whoever sets no lower limit gets whole packets: the framing of a long chunked body may be anywhere in them.</summary>
    public const int WholePacketsFrom = 16_384;
}
