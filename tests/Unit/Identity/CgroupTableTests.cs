using System.Text;
using KubeBpfBox.Agent.Identity;

namespace KubeBpfBox.Unit.Identity;

public sealed class CgroupTableTests : IDisposable
{
    private const string Id = "4fa6e0f0c678b2b3f4c2a1d0e9f8a7b6c5d4e3f20192a3b4c5d6e7f8091a2b3c";

    private readonly string _root = Directory.CreateTempSubdirectory("kubebpfbox-cgroup-").FullName;
    private readonly ManualTime _time = new();

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>An ordinary folder has inode numbers too, but cannot be opened by them: the walk is taken.</summary>
    [Fact]
    public void A_walk_finds_what_was_there_and_later_what_came()
    {
        ulong nginx = Make("system.slice/nginx.service/worker");
        ulong container = Make("docker/" + Id);
        ulong slice = CgroupInode.Of(Path.Combine(_root, "system.slice"));
        using CgroupTable table = new(_root, useHandles: true, _time);
        Assert.Equal(1, table.Walks);
        Assert.Equal("nginx.service", table.Find(nginx).Name);
        Assert.Equal(new CgroupPath(CgroupKind.Container, "4fa6e0f0c678") { ContainerId = Id }, table.Find(container));
        Assert.True(table.Find(slice).IsNobody);
        Assert.True(table.Find(0).IsNobody);
        Assert.True(table.Find(CgroupInode.RootId).IsNobody);
        Assert.Equal(1, table.Walks);

        ulong late = Make("system.slice/late.service");
        Assert.Equal("late.service", table.Find(late).Name);
        Assert.Equal(2, table.Walks);

        Directory.Delete(Path.Combine(_root, "docker"), recursive: true);
        _time.Advance(60_000);
        Assert.Equal(Id, table.Find(container).ContainerId);
    }

    [Fact]
    public void An_id_that_is_nowhere_is_not_looked_for_at_once_again()
    {
        using CgroupTable table = new(_root, useHandles: false, _time);
        _time.Advance(200);
        Assert.True(table.Find(ulong.MaxValue).IsNobody);
        Assert.Equal(2, table.Walks);
        _time.Advance(999);
        Assert.True(table.Find(ulong.MaxValue).IsNobody);
        Assert.Equal(2, table.Walks);
        _time.Advance(1);
        Assert.True(table.Find(ulong.MaxValue).IsNobody);
        Assert.Equal(3, table.Walks);
    }

    [Fact]
    public void No_mount_names_nobody()
    {
        using CgroupTable none = new(null, useHandles: true, _time);
        using CgroupTable gone = new(Path.Combine(_root, "gone"), useHandles: true, _time);
        Assert.True(none.Find(5).IsNobody);
        Assert.True(gone.Find(5).IsNobody);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cgroup_of_the_kernel_is_found_by_its_id(bool useHandles)
    {
        string? mount = KubeBpfBox.Bpf.Cgroup2.FindMountPoint();
        Assert.SkipWhen(mount is null, "no cgroup2 is mounted here");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "making a cgroup needs root");
        using CgroupTable table = new(mount, useHandles, _time);
        string unit = $"kubebpfbox-test-{Environment.ProcessId}-{useHandles}.service";
        string folder = Path.Combine(mount!, unit);
        Directory.CreateDirectory(folder);
        ulong id;
        try
        {
            id = CgroupInode.Of(folder);
            Assert.True(id > CgroupInode.RootId);
            _time.Advance(60_000);
            Assert.Equal(unit, table.Find(id).Name);
        }
        finally
        {
            Directory.Delete(folder);
        }
        _time.Advance(60_000);
        Assert.Equal(unit, table.Find(id).Name);
        Assert.Equal(useHandles ? 0 : 2, table.Walks);
        using CgroupTable fresh = new(mount, useHandles, _time);
        Assert.True(fresh.Find(id).IsNobody);
    }

    [Fact]
    public void What_a_watch_tells_needs_no_walk_and_is_forgotten_some_time_after_its_removal()
    {
        using CgroupTable table = new(_root, useHandles: false, _time);
        int caughtUp = 0;
        table.CatchUp = () =>
        {
            caughtUp++;
            table.OnCreated(77, Encoding.UTF8.GetBytes("/kubepods/besteffort/pod79b74499-0514-4575-8962-d28ec9d84c5b/" + Id));
        };
        Assert.Equal((Id, "79b74499-0514-4575-8962-d28ec9d84c5b"), (table.Find(77).ContainerId, table.Find(77).PodUid));
        Assert.Equal((1, 1), (caughtUp, table.Walks));

        table.CatchUp = null;
        table.OnRemoved(77);
        _time.Advance(300_000);
        table.OnRemoved(78);
        Assert.Equal(Id, table.Find(77).ContainerId);
        _time.Advance(1);
        table.OnRemoved(79);
        Assert.True(table.Find(77).IsNobody);
    }

    private ulong Make(string path)
    {
        string folder = Path.Combine(_root, path);
        Directory.CreateDirectory(folder);
        return CgroupInode.Of(folder);
    }
}
