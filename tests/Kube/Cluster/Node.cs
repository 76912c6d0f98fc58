using System.Globalization;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube.Cluster;

/// <summary>The one node of the cluster, as tests/Kube/node made it: its processes, its network, its containers.</summary>
internal static class Node
{
    /// <summary>Name of the node.</summary>
    public const string Name = "node1";

    /// <summary>Its address.</summary>
    public const string Address = "10.10.0.1";

    private static readonly string s_run = Path.Combine(Environment.GetEnvironmentVariable("KUBE_HOME") ?? "/var/cache/kube-node", "run");

    /// <summary>The repository.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Path of a script of tests/Kube/node.</summary>
    public static string Script(string name) => Path.Combine(Repository, "tests/Kube/node", name);

    /// <summary>Stops a part of the node, as "kube-apiserver".</summary>
    public static void Stop(string component) => ChildProcess.Run(Script("component"), "stop", component);

    /// <summary>Starts it again with the arguments it had.</summary>
    public static void Start(string component) => ChildProcess.Run(Script("component"), "start", component);

    /// <summary>Name of its network namespace.</summary>
    public const string NetworkName = "kube-node";

    /// <summary>Path of the administrator's kubeconfig.</summary>
    public static string Kubeconfig => Path.Combine(s_run, "kubeconfig");

    /// <summary>Runs a program in the node's network.</summary>
    public static string InNetwork(params IEnumerable<string> command) => ChildProcess.Run("nsenter", ["--net=/run/netns/" + NetworkName, .. command]);

    /// <summary>Arguments of ctr that run a program in a container, without the API server.</summary>
    public static IEnumerable<string> ExecArguments(string containerId, params IEnumerable<string> command) =>
        [.. Containerd, "tasks", "exec", "--exec-id", Guid.NewGuid().ToString("N"), containerId, .. command];

    /// <summary>The container's first process, as the node counts.</summary>
    public static int ProcessOf(string containerId)
    {
        string? line = ChildProcess.Run("ctr", [.. Containerd, "tasks", "ls"]).Split('\n').FirstOrDefault(line => line.StartsWith(containerId, StringComparison.Ordinal));
        return line is null
            ? throw new InvalidOperationException($"containerd has no task {containerId}")
            : int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Lets the next pod have an address, if that is free: host-local goes on behind the last that it gave.</summary>
    public static void GiveAddressNext(string address)
    {
        string[] parts = address.Split('.');
        int last = int.Parse(parts[3], CultureInfo.InvariantCulture) - 1;
        File.WriteAllText(Path.Combine(s_run, "cni/addresses/kube-node/last_reserved_ip.0"), $"{string.Join('.', parts[..3])}.{last}");
    }

    private static IEnumerable<string> Containerd => ["--address", Path.Combine(s_run, "containerd/containerd.sock"), "--namespace", "k8s.io"];

    private static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "KubeBpfBox.slnx")))
            {
                return folder.FullName;
            }
        }
        throw new InvalidOperationException($"no repository above {AppContext.BaseDirectory}");
    }
}
