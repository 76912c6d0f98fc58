namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>Which API server, how it is trusted, and who we are to it.</summary>
internal sealed record ApiServer
{
    /// <summary>Its address, with the path that all requests begin with, without a last slash.</summary>
    public required Uri Url { get; init; }

    /// <summary>Where this was configured, for messages.</summary>
    public required string Origin { get; init; }

    /// <summary>The only authorities that are trusted; null for the system's.</summary>
    public PemSource? Authority { get; init; }

    /// <summary>The name its certificate must have; null for that of <see cref="Url"/>.</summary>
    public string? TlsServerName { get; init; }

    /// <summary>True when any certificate will do.</summary>
    public bool SkipsVerification { get; init; }

    public required Credentials Credentials { get; init; }
}
