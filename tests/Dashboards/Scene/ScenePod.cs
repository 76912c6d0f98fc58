using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using KubeBpfBox.Unit.Kubernetes;

namespace KubeBpfBox.Dashboards.Scene;

/// <summary>A pod of one container, whose ids follow from its name.</summary>
internal sealed record ScenePod(string Name, string Namespace, string Address)
{
    public string Uid { get; } = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(Name)).AsSpan(0, 16)).ToString();

    public string ContainerId { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Name + "/main")));

    /// <summary>As the kubelet calls it with the driver "cgroupfs".</summary>
    public string CgroupPath => $"kubepods/burstable/pod{Uid}/{ContainerId}";

    /// <summary>As the API server writes it.</summary>
    public JsonObject ToJson()
    {
        JsonObject pod = KubeObjects.Pod(Name, Address, Uid, Namespace);
        pod["status"]!["containerStatuses"]![0]!["containerID"] = $"containerd://{ContainerId}";
        return pod;
    }
}
