using KubeBpfBox.Agent.Identity;
using KubeBpfBox.Core.Records;

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
        using CgroupTable table = new(_root, useHandles: true, new WorkloadNames(), _time);
        Assert.Equal(1, table.Walks);
        Assert.Equal("nginx.service", table.Find(nginx)?.Name);
        Assert.Equal(new Workload("4fa6e0f0c678", "cgroup") { ContainerId = Id }, table.Find(container));
        Assert.Null(table.Find(slice));
        Assert.Null(table.Find(0));
        Assert.Null(table.Find(CgroupInode.RootId));
        Assert.Equal(1, table.Walks);

        ulong late = Make("system.slice/late.service");
        Assert.Equal("late.service", table.Find(late)?.Name);
        Assert.Equal(2, table.Walks);

        Directory.Delete(Path.Combine(_root, "docker"), recursive: true);
        _time.Advance(60_000);
        Assert.Equal(Id, table.Find(container)?.ContainerId);
    }

    [Fact]
    public void An_id_that_is_nowhere_is_not_looked_for_at_once_again()
    {
        using CgroupTable table = new(_root, useHandles: false, new WorkloadNames(), _time);
        _time.Advance(200);
        Assert.Null(table.Find(ulong.MaxValue));
        Assert.Equal(2, table.Walks);
        _time.Advance(999);
        Assert.Null(table.Find(ulong.MaxValue));
        Assert.Equal(2, table.Walks);
        _time.Advance(1);
        Assert.Null(table.Find(ulong.MaxValue));
        Assert.Equal(3, table.Walks);
    }

    [Fact]
    public void No_mount_names_nobody()
    {
        using CgroupTable none = new(null, useHandles: true, new WorkloadNames(), _time);
        using CgroupTable gone = new(Path.Combine(_root, "gone"), useHandles: true, new WorkloadNames(), _time);
        Assert.Null(none.Find(5));
        Assert.Null(gone.Find(5));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cgroup_of_the_kernel_is_found_by_its_id(bool useHandles)
    {
        string? mount = KubeBpfBox.Bpf.Cgroup2.FindMountPoint();
        Assert.SkipWhen(mount is null, "no cgroup2 is mounted here");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "making a cgroup needs root");
        using CgroupTable table = new(mount, useHandles, new WorkloadNames(), _time);
        string unit = $"kubebpfbox-test-{Environment.ProcessId}-{useHandles}.service";
        string folder = Path.Combine(mount!, unit);
        Directory.CreateDirectory(folder);
        ulong id;
        try
        {
            id = CgroupInode.Of(folder);
            Assert.True(id > CgroupInode.RootId);
            _time.Advance(60_000);
            Assert.Equal(unit, table.Find(id)?.Name);
        }
        finally
        {
            Directory.Delete(folder);
        }
        _time.Advance(60_000);
        Assert.Equal(unit, table.Find(id)?.Name);
        Assert.Equal(useHandles ? 0 : 2, table.Walks);
        using CgroupTable fresh = new(mount, useHandles, new WorkloadNames(), _time);
        Assert.Null(fresh.Find(id));
    }

    private ulong Make(string path)
    {
        string folder = Path.Combine(_root, path);
        Directory.CreateDirectory(folder);
        return CgroupInode.Of(folder);
    }
}
