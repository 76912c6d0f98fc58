namespace KubeBpfBox.Core.Streams;

/// <summary>Limits of the stream engine.</summary>
public sealed record StreamOptions
{
    /// <summary>Bytes that all streams together may keep (partial messages and segments out of order).</summary>
    public long MaxBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Connections remembered; beyond it the one silent for longest is forgotten.</summary>
    public int MaxConnections { get; init; } = 65_536;

    /// <summary>Bytes of one side kept while earlier ones are missing; beyond it what is missing counts as lost.</summary>
    public int MaxReorderBytes { get; init; } = 256 * 1024;

    /// <summary>Segments of one side kept while earlier bytes are missing.</summary>
    public int MaxReorderSegments { get; init; } = 128;

    /// <summary>How long missing bytes are waited for.</summary>
    public TimeSpan ReorderTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A connection silent for this long is forgotten (it is joined again when it speaks).</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);
}
