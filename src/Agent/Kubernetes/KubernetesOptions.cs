namespace KubeBpfBox.Agent.Kubernetes;

/// <summary>Which API server to ask, for which node, and how patiently.</summary>
internal sealed record KubernetesOptions
{
    /// <summary>Path of a kubeconfig; null for none. Wins over <see cref="InCluster"/>.</summary>
    public string? ConfigPath { get; init; }

    /// <summary>True to use the pod's own service account.</summary>
    public bool InCluster { get; init; }

    /// <summary>Name of the node whose pods are watched, as Kubernetes knows it.</summary>
    public required string NodeName { get; init; }

    /// <summary>Folder with the service account's token and ca.crt.</summary>
    public string ServiceAccountPath { get; init; } = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Host of the API server in the cluster; null for the environment variable KUBERNETES_SERVICE_HOST.</summary>
    public string? ServiceHost { get; init; }

    /// <summary>Its port; null for the environment variable KUBERNETES_SERVICE_PORT.</summary>
    public string? ServicePort { get; init; }

    /// <summary>Wait after the first failure; doubles with each further one.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Longest wait between two attempts.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Wait after a refusal (403) of what can be done without.</summary>
    public TimeSpan ForbiddenRetry { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The server is asked to end a watch after this time, or up to twice as long: each differs, so that not all nodes come back at once.</summary>
    public TimeSpan WatchDuration { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A watch that ends sooner and told nothing is taken for a failure.</summary>
    public TimeSpan ShortestWatch { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long connecting may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the head of an answer, or a whole page of a list, may take.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Silence after which a connection is tested; it is given up after twice as long.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Objects a page of a list.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>Largest object that is taken from a watch.</summary>
    public int MaxObjectBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>How often nodes are listed.</summary>
    public TimeSpan NodeInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Shortest time between asking for two single nodes that are met and not known.</summary>
    public TimeSpan MinNodeInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long deleted pods stay known by uid and container id.</summary>
    public TimeSpan TombstoneAge { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How many deleted pods stay known at most.</summary>
    public int MaxTombstones { get; init; } = 4096;
}
