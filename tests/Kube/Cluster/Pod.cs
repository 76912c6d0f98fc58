using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube.Cluster;

/// <summary>A pod as the API server shows it; a copy.</summary>
internal sealed record Pod(string Namespace, string Name, string Uid, string? Address, string Phase, IReadOnlyList<ContainerState> Containers)
{
    /// <summary>Reads one of the API's objects.</summary>
    public static Pod Of(JsonElement json)
    {
        JsonElement metadata = json.GetProperty("metadata");
        JsonElement status = json.GetProperty("status");
        List<ContainerState> containers = [];
        if (status.TryGetProperty("containerStatuses", out JsonElement list))
        {
            containers.AddRange(list.EnumerateArray().Select(ContainerState.Of));
        }
        return new Pod(
            metadata.GetProperty("namespace").GetString()!, metadata.GetProperty("name").GetString()!, metadata.GetProperty("uid").GetString()!,
            status.TryGetProperty("podIP", out JsonElement address) ? address.GetString() : null, status.GetProperty("phase").GetString()!, containers);
    }

    /// <summary>All containers run and are ready.</summary>
    public bool IsReady => Phase == "Running" && Containers.Count > 0 && Containers.All(static container => container.IsReady);

    /// <summary>Its only container's first process, as the node counts.</summary>
    public int FindProcess() => Node.ProcessOf(Containers.Single().Id!);

    /// <summary>Runs a program in its container to its end.</summary>
    public string Exec(params IEnumerable<string> command) => Kubectl.Run(["exec", "-n", Namespace, Name, "--", .. command]);

    /// <summary>Starts a program in its container.</summary>
    public ChildProcess Start(params IEnumerable<string> command) => Kubectl.Start(["exec", "-n", Namespace, Name, "--", .. command]);

    /// <summary>As it is now.</summary>
    public Pod Now() => Of(Kubectl.Get("pod", "-n", Namespace, Name));
}

/// <summary>A container of a pod.</summary>
/// <param name="Name">Its name in the pod.</param>
/// <param name="Id">What containerd calls it; null before it was made.</param>
/// <param name="IsReady">Whether its readiness probe, if any, holds.</param>
/// <param name="Restarts">How often it was started anew.</param>
/// <param name="LastEnd">Why it or its predecessor ended, as "OOMKilled"; null when none did.</param>
internal sealed record ContainerState(string Name, string? Id, bool IsReady, int Restarts, string? LastEnd)
{
    public static ContainerState Of(JsonElement json) => new(
        json.GetProperty("name").GetString()!,
        json.TryGetProperty("containerID", out JsonElement id) ? id.GetString()!.Split("//")[^1] : null,
        json.GetProperty("ready").GetBoolean(),
        json.GetProperty("restartCount").GetInt32(),
        EndOf(json, "state") ?? EndOf(json, "lastState"));

    private static string? EndOf(JsonElement json, string which) =>
        json.TryGetProperty(which, out JsonElement state) && state.TryGetProperty("terminated", out JsonElement end) ? end.GetProperty("reason").GetString() : null;
}
