using System.Net;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Plugins.Tcpsynbl;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Tcpsynbl;

/// <summary>The programs, maps and links themselves.</summary>
public sealed class KernelSideTests
{
    [Fact]
    public void The_structs_are_those_of_the_object()
    {
        using BpfObject obj = BpfObject.OpenResource(typeof(TcpSynBacklogPlugin).Assembly, "tcpsynbl.bpf.o");
        TcpSynBacklogLayout.Check(obj);
    }

    [Fact]
    public void Both_hooks_are_taken()
    {
        using QueueFixture fixture = new();
        Assert.Equal([("cgroup_skb/ingress", true), ("cgroup/sock_release", true)], fixture.Plugin.Hooks.Select(static hook => (hook.Hook, hook.Attached)));
        Assert.All(fixture.Plugin.Hooks, hook => Assert.Equal(("tcpsynbl", fixture.Cgroup.FolderPath), (hook.Plugin, hook.Detail)));
    }

    [Fact]
    public void What_cannot_be_attached_to_is_said_and_nothing_is_thrown()
    {
        using TemporaryFolder folder = new();
        Ledger ledger = new();
        using TcpSynBacklogPlugin plugin = new(folder.FolderPath, null!, null!, ledger);
        Assert.Empty(plugin.Hooks);
        Assert.False(plugin.Attach());
        Assert.Contains(folder.FolderPath, Assert.Single(plugin.Hooks).Detail, StringComparison.Ordinal);
        Assert.Empty(plugin.Listeners);
        ledger.Refresh();
        Assert.Equal(0, ledger.Stages[0].Unaccounted);
    }

    [Fact]
    public void Killing_the_process_leaves_nothing_in_the_kernel()
    {
        using TestCgroup cgroup = new();
        using ChildProcess child = ChildProcess.Start("dotnet", Path.Combine(AppContext.BaseDirectory, "KubeBpfBox.TapHolder.dll"), "tcpsynbl", cgroup.FolderPath);
        child.WaitForText("attached", TimeSpan.FromSeconds(60));
        IReadOnlyList<uint> programs = ProcFiles.BpfIdsOf(child.Id, "prog_id"), maps = ProcFiles.BpfIdsOf(child.Id, "map_id"), links = ProcFiles.BpfIdsOf(child.Id, "link_id");
        Assert.Equal((2, 2), (programs.Count, links.Count));
        Assert.Superset(programs.ToHashSet(), KernelIds.Programs().ToHashSet());
        child.Signal(9);
        child.WaitForExit(TimeSpan.FromSeconds(10));
        Assert.Equal(128 + 9, child.ExitCode);
        // The kernel frees them after a grace period.
        for (int i = 0; KernelIds.Links().Intersect(links).Any() || KernelIds.Programs().Intersect(programs).Any() || KernelIds.Maps().Intersect(maps).Any(); i++)
        {
            Assert.True(i < 1000, "something of the killed process is left");
            Thread.Sleep(10);
        }
    }
}
