using System.Text;
using KubeBpfBox.Plugins.OomKill;

namespace KubeBpfBox.Kernel.Oomkill;

/// <summary>What becomes of the kernel's records.</summary>
public sealed class RecordTests
{
    [Fact]
    public void A_process_is_one_victim_until_it_is_forgotten()
    {
        RecentVictims victims = new();
        Assert.True(victims.TryAdd(7, 100, 0));
        Assert.False(victims.TryAdd(7, 100, RecentVictims.MemoryNs));
        Assert.True(victims.TryAdd(7, 101, RecentVictims.MemoryNs)); // the number was given to another process
        Assert.True(victims.TryAdd(8, 100, RecentVictims.MemoryNs));
        Assert.True(victims.TryAdd(7, 100, RecentVictims.MemoryNs + 1));
        Assert.False(victims.TryAdd(7, 101, RecentVictims.MemoryNs + 1));
    }

    [Fact]
    public void Beyond_the_bound_the_oldest_victim_is_forgotten()
    {
        RecentVictims victims = new();
        for (uint tgid = 0; tgid <= RecentVictims.MaxVictims; tgid++)
        {
            Assert.True(victims.TryAdd(tgid, 1, 1));
        }
        Assert.False(victims.TryAdd(1, 1, 1));
        Assert.True(victims.TryAdd(0, 1, 1));
    }

    [Fact]
    public void A_path_is_written_outermost_first()
    {
        OomKillCgroup cgroup = default;
        Span<byte> names = cgroup;
        Assert.Equal("", OomKillText.Path(in cgroup));
        "container"u8.CopyTo(names);
        "pod\e[2J"u8.CopyTo(names[OomKillLayout.NameBytes..]);
        Assert.Equal("pod?[2J/container", OomKillText.Path(in cgroup));
    }

    [Fact]
    public void The_longest_names_fit()
    {
        OomKillCgroup cgroup = default;
        Span<byte> names = cgroup;
        for (int level = 0; level < OomKillLayout.Levels; level++)
        {
            names.Slice(level * OomKillLayout.NameBytes, OomKillLayout.NameBytes - 1).Fill((byte)('e' - level));
        }
        byte[] path = new byte[OomKillText.MaxPathBytes];
        int length = OomKillText.WritePath(in cgroup, path);
        Assert.Equal(string.Join('/', "abcde".Select(static letter => new string(letter, OomKillLayout.NameBytes - 1))), Encoding.UTF8.GetString(path, 0, length));
    }
}
