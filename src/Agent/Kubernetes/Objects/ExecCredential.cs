namespace KubeBpfBox.Agent.Kubernetes.Objects;

/// <summary>What a credential plugin prints. Source: client.authentication.k8s.io/v1 and v1beta1.</summary>
internal sealed class ExecCredential
{
    public string? ApiVersion { get; set; }

    public string? Kind { get; set; }

    public ExecCredentialStatus? Status { get; set; }
}

internal sealed class ExecCredentialStatus
{
    public DateTimeOffset? ExpirationTimestamp { get; set; }

    public string? Token { get; set; }

    public string? ClientCertificateData { get; set; }

    public string? ClientKeyData { get; set; }
}
