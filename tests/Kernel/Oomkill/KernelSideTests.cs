using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Plugins.OomKill;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Oomkill;

/// <summary>The programs themselves, and which way in is taken.</summary>
public sealed class KernelSideTests : IWorkloadResolver, INodeEventObserver
{
    [Fact]
    public void The_structs_are_those_of_the_object()
    {
        using BpfObject obj = BpfObject.OpenResource(typeof(OomKillPlugin).Assembly, "oomkill.bpf.o");
        OomKillLayout.Check(obj);
    }

    [Theory]
    [InlineData(OomScope.Unknown, 0)]
    [InlineData(OomScope.Cgroup, 1)]
    [InlineData(OomScope.Node, 2)]
    public void Scopes_have_the_numbers_of_the_header(OomScope scope, int number) => Assert.Equal(number, (int)scope);

    [Fact]
    public void The_first_way_that_this_kernel_has_is_taken_and_each_refusal_is_told()
    {
        string[] all = [OomFixture.Tracepoint, OomFixture.Fentry, OomFixture.Kprobe];
        string taken = all.First(static hook => OomFixture.WhyNot(hook) is null);
        using OomKillPlugin plugin = new(this, this, new Ledger());
        Assert.Empty(plugin.Hooks);
        Assert.True(plugin.Attach(), string.Join("; ", plugin.Hooks));
        Assert.All(plugin.Hooks, static hook => Assert.Equal("oomkill", hook.Plugin));
        Assert.Equal(taken, plugin.Hooks.First(static hook => hook.Attached).Hook);
        Assert.Equal(all.TakeWhile(hook => hook != taken), plugin.Hooks.TakeWhile(static hook => !hook.Attached).Select(static hook => hook.Hook));
        Assert.All(plugin.Hooks, static hook => Assert.NotEmpty(hook.Detail));
        Assert.Null(plugin.Trouble);
    }

    [Theory]
    [InlineData(OomFixture.Tracepoint)]
    [InlineData(OomFixture.Fentry)]
    [InlineData(OomFixture.Kprobe)]
    public void A_way_that_this_kernel_lacks_is_refused_with_its_reason(string way)
    {
        using OomKillPlugin plugin = new(this, this, new Ledger()) { OnlyHook = way };
        bool has = OomFixture.WhyNot(way) is null;
        Assert.Equal(has, plugin.Attach());
        HookStatus status = plugin.Hooks[0];
        Assert.Equal((way, has), (status.Hook, status.Attached));
        Assert.NotEmpty(status.Detail);
        if (!has)
        {
            Assert.Single(plugin.Hooks);
            Assert.Throws<InvalidOperationException>(plugin.Start);
        }
    }

    [Fact]
    public void Stopping_leaves_no_program()
    {
        List<uint> before = [.. KernelIds.Programs()];
        OomKillPlugin plugin = new(this, this, new Ledger());
        Assert.True(plugin.Attach());
        Assert.NotEmpty(KernelIds.Programs().Except(before));
        plugin.Start();
        plugin.Dispose();
        Eventually(() => !KernelIds.Programs().Except(before).Any());
    }

    [Fact]
    public void Killing_the_process_leaves_nothing_in_the_kernel()
    {
        string holder = Path.Combine(AppContext.BaseDirectory, "KubeBpfBox.TapHolder.dll");
        using ChildProcess child = ChildProcess.Start("dotnet", holder, "oomkill");
        child.WaitForText("attached", TimeSpan.FromSeconds(60));
        List<uint> programs = [.. ProcFiles.BpfIdsOf(child.Id, "prog_id")], maps = [.. ProcFiles.BpfIdsOf(child.Id, "map_id")];
        Assert.True(programs.Count >= 1 && maps.Count >= 3, $"{programs.Count} programs, {maps.Count} maps");
        Assert.Superset(programs.ToHashSet(), KernelIds.Programs().ToHashSet());
        child.Signal(9);
        child.WaitForExit(TimeSpan.FromSeconds(20));
        Eventually(() => !KernelIds.Programs().Intersect(programs).Any());
        Eventually(() => !KernelIds.Maps().Intersect(maps).Any());
    }

    // The kernel frees them after a grace period.
    private static void Eventually(Func<bool> condition)
    {
        for (int i = 0; !condition(); i++)
        {
            Assert.True(i < 1000, "something is left in the kernel after 10 s");
            Thread.Sleep(10);
        }
    }

    int IWorkloadResolver.Generation => 0;

    Workload IWorkloadResolver.Resolve(in OwnerHint hint) => Workload.Unknown;

    Workload IWorkloadResolver.ResolveAddress(Endpoint endpoint, uint networkNamespace) => Workload.Unknown;

    Workload IWorkloadResolver.Refresh(Workload workload) => workload;

    void INodeEventObserver.OnEvent(NodeEvent happened)
    {
    }
}
