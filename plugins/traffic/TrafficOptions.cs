namespace KubeBpfBox.Plugins.Traffic;

/// <summary>Settings of the tap.</summary>
public sealed record TrafficOptions
{
    /// <summary>Size of the ring buffer between kernel and agent: a power of two, at least a page.</summary>
    public int RingBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Payload bytes copied of one packet at most (1 to 16384).</summary>
    public int BytesPerPacket { get; init; } = MaxBytesPerPacket;

    /// <summary>Where to attach: a directory of the cgroup v2 hierarchy. Null: its root.</summary>
    public string? CgroupPath { get; init; }

    /// <summary>What the kernel program has room for in one record.</summary>
    public const int MaxBytesPerPacket = 16_384;
}
