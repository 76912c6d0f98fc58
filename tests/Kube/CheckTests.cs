using System.Text.Json;
using KubeBpfBox.Kube.Cluster;

namespace KubeBpfBox.Kube;

/// <summary>What the agent may and can do in its pod.</summary>
public sealed class CheckTests
{
    [Fact]
    public void Check_in_the_pod_takes_every_hook()
    {
        (int exitCode, string output, string errors) = AgentPod.Exec("check", "-o", "json");

        Assert.True(exitCode == 0, output + errors);
        using JsonDocument report = JsonDocument.Parse(output);
        Assert.True(report.RootElement.GetProperty("ready").GetBoolean());
        JsonElement[] hooks = [.. report.RootElement.GetProperty("hooks").EnumerateArray()];
        foreach (string plugin in (string[])["traffic", "oomkill", "tcpsynbl"])
        {
            Assert.Contains(hooks, hook => hook.GetProperty("plugin").GetString() == plugin && hook.GetProperty("attached").GetBoolean());
        }
    }

    [Fact]
    public void The_agent_has_the_three_capabilities_of_its_manifest_and_no_other()
    {
        Pod agent = AgentPod.Find();

        foreach (string set in (string[])["CapEff", "CapPrm", "CapBnd"])
        {
            Assert.Equal(Capabilities.Base, AgentPod.CapabilitiesOf(agent, set));
        }
    }

    [Fact]
    public void The_agent_shares_neither_processes_nor_network_with_the_node()
    {
        int agent = AgentPod.Find().FindProcess();

        foreach (string kind in (string[])["pid", "net", "mnt", "ipc"])
        {
            Assert.NotEqual(File.ResolveLinkTarget("/proc/self/ns/" + kind, false)!.Name, File.ResolveLinkTarget($"/proc/{agent}/ns/{kind}", false)!.Name);
        }
    }
}
