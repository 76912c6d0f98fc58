using System.Collections.Concurrent;
using System.Text;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Plugins.Cgroups;

namespace KubeBpfBox.Kernel.Cgroups;

public sealed class CgroupWatchTests : ICgroupObserver
{
    private readonly ConcurrentQueue<(ulong Id, string Path)> _created = new();
    private readonly ConcurrentQueue<ulong> _removed = new();

    [Fact]
    public void A_cgroup_is_told_with_its_path_at_once_and_its_removal_too()
    {
        string root = Cgroup2.FindMountPoint()!;
        string name = $"kbb-watch-{Environment.ProcessId}";
        string inner = Path.Combine(root, name, "inner");
        Ledger ledger = new();
        using CgroupWatch watch = new(this);
        Assert.True(watch.Attach(), string.Join("; ", watch.Hooks));
        watch.AddTo(ledger);
        try
        {
            // Nobody reads yet: catching up is enough.
            Directory.CreateDirectory(inner);
            watch.CatchUp();
            (ulong id, string path) = Assert.Single(_created, made => made.Path.EndsWith("/inner", StringComparison.Ordinal));
            Assert.Equal($"/{name}/inner", path);
            Assert.Equal(InodeOf(inner), id);
            Directory.Delete(inner);
            watch.CatchUp();
            Assert.Contains(id, _removed);

            watch.Start();
            Directory.CreateDirectory(inner);
            SpinWait.SpinUntil(() => _created.Count(made => made.Path == path) == 2, 10_000);
            Assert.Equal(2, _created.Count(made => made.Path == path));
        }
        finally
        {
            Directory.Delete(inner);
            Directory.Delete(Path.GetDirectoryName(inner)!);
        }
        ledger.Refresh();
        LedgerStage stage = Assert.Single(ledger.Stages);
        Assert.Equal((0L, 0L), (stage.Unaccounted, stage.Dropped.Sum(static reason => reason.Value.Value)));
        Assert.True(stage.In.Value >= 4);
    }

    [Fact]
    public void A_path_that_was_cut_is_not_told()
    {
        string root = Cgroup2.FindMountPoint()!;
        string top = Path.Combine(root, $"kbb-long-{Environment.ProcessId}");
        string deep = Path.Combine(top, new string('a', 250), new string('b', 250), "c");
        using CgroupWatch watch = new(this);
        Assert.True(watch.Attach());
        try
        {
            Directory.CreateDirectory(deep);
            watch.CatchUp();
            Assert.Contains(_created, made => made.Path.EndsWith(new string('a', 250), StringComparison.Ordinal));
            Assert.DoesNotContain(_created, made => made.Path.Contains(new string('b', 200), StringComparison.Ordinal));
        }
        finally
        {
            for (string? folder = deep; folder is not null && folder.Length >= top.Length; folder = Path.GetDirectoryName(folder))
            {
                Directory.Delete(folder);
            }
        }
    }

    void ICgroupObserver.OnCreated(ulong id, ReadOnlySpan<byte> path) => _created.Enqueue((id, Encoding.UTF8.GetString(path)));

    void ICgroupObserver.OnRemoved(ulong id) => _removed.Enqueue(id);

    private static ulong InodeOf(string folder) => ulong.Parse(Support.ChildProcess.Run("stat", "-c", "%i", folder).Trim(), System.Globalization.CultureInfo.InvariantCulture);
}
