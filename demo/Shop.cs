using System.Security.Cryptography;
using System.Text;

namespace KubeBpfBox.Demo;

/// <summary>One of the shop's workloads: a service, or a program that only asks.</summary>
/// <param name="Name">Its name; also the command that runs it.</param>
/// <param name="Namespace">Its Kubernetes namespace, where the cluster's stand-in runs.</param>
/// <param name="Kind">What owns its pods there.</param>
/// <param name="Replicas">How many processes.</param>
internal sealed record ShopWorkload(string Name, string Namespace, string Kind = "Deployment", int Replicas = 1)
{
    /// <summary>Where all services listen.</summary>
    public const int Port = 8080;

    /// <summary>Addresses of its replicas. They exist only in the demonstration's own network namespaces.</summary>
    public IReadOnlyList<string> Addresses => [.. Enumerable.Range(1, Replicas).Select(replica => $"10.87.{Shop.Workloads.IndexOf(this) + 1}.{replica}")];

    /// <summary>Whether others ask it.</summary>
    public bool IsService => Kind != "CronJob";

    /// <summary>The cgroup of a replica: as systemd makes one for a unit, or as a kubelet for a container.</summary>
    public string CgroupPath(int replica, bool isKubernetes) => isKubernetes ? $"kubepods/burstable/pod{PodUid(replica)}/{ContainerId(replica)}" : $"{Name}.service";

    /// <summary>Name of a replica's pod.</summary>
    public string PodName(int replica) => Kind switch
    {
        "StatefulSet" => $"{Name}-{replica}",
        "CronJob" => $"{Name}-29373120-{Digest(replica)[..5]}",
        _ => $"{Name}-{TemplateHash}-{Digest(replica)[..5]}",
    };

    /// <summary>What a Deployment's ReplicaSet is named after.</summary>
    public string TemplateHash => Digest(-1)[..10];

    /// <summary>Uid of a replica's pod, of a form that the API server makes.</summary>
    public string PodUid(int replica) => new Guid(Convert.FromHexString(Digest(replica)[..32])).ToString();

    /// <summary>Id of a replica's container.</summary>
    public string ContainerId(int replica) => Digest(replica);

    private string Digest(int replica) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Namespace}/{Name}/{replica}")));
}

/// <summary>Who is there: the shop, and what is outside of it.</summary>
internal static class Shop
{
    /// <summary>Who shops, and asks from outside: addresses for documentation (RFC 5737).</summary>
    public static readonly IReadOnlyList<string> VisitorAddresses = [.. Enumerable.Range(1, 12).Select(static host => $"203.0.113.{host * 17}")];

    /// <summary>The bank that payments asks, outside too.</summary>
    public const string BankAddress = "198.51.100.20";

    public static readonly List<ShopWorkload> Workloads =
    [
        new("gateway", "edge"),
        new("frontend", "shop", Replicas: 2),
        new("catalog", "shop", Replicas: 2),
        new("cart", "shop", "StatefulSet"),
        new("checkout", "shop"),
        new("recommendations", "shop"),
        new("search", "shop"),
        new("thumbnails", "media"),
        new("payments", "billing"),
        new("inventory", "backoffice", "StatefulSet"),
        new("reporter", "backoffice", "CronJob"),
    ];

    /// <summary>Where a service is to be reached.</summary>
    /// <param name="host">"catalog.shop", or "bank.example".</param>
    public static IReadOnlyList<string> AddressesOf(string host) =>
        host == "bank.example" ? [BankAddress] : Workloads.Single(workload => $"{workload.Name}.{workload.Namespace}" == host).Addresses;
}
