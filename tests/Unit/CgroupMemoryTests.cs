using KubeBpfBox.Agent;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit;

/// <summary>The limit of the agent's own memory, as both versions of cgroups tell it.</summary>
public sealed class CgroupMemoryTests
{
    private const string NoLimitV1 = "9223372036854771712";

    [Theory]
    [InlineData("0::/a/b\n", "a/b/memory.max=100 a/memory.max=300", 100L)]
    [InlineData("0::/a/b\n", "a/b/memory.max=max a/memory.max=300", 300L)]
    [InlineData("0::/a/b\n", "a/b/memory.max=500 a/memory.max=300", 300L)]
    [InlineData("0::/a/b\n", "a/b/memory.max=max", null)]
    [InlineData("0::/\n", "memory.max=42", 42L)]
    [InlineData("0::/gone\n", "", null)]
    [InlineData("12:cpu,cpuacct:/x\n9:memory:/x\n0::/\n", "memory/x/memory.limit_in_bytes=7 memory/memory.limit_in_bytes=" + NoLimitV1, 7L)]
    [InlineData("9:memory:/\n", "memory/memory.limit_in_bytes=" + NoLimitV1, null)]
    [InlineData("", "memory.max=1", null)]
    [InlineData("nonsense\n0\n", "memory.max=1", null)]
    public void The_least_limit_on_the_way_up_counts(string membership, string files, long? expected)
    {
        using TemporaryDirectory directory = new();
        File.WriteAllText(directory.File("membership"), membership);
        foreach (string[] file in files.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static one => one.Split('=')))
        {
            string path = directory.File(Path.Join("mount", file[0]));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, file[1] + "\n");
        }
        Assert.Equal(expected, CgroupMemory.LimitBytes(directory.File("membership"), directory.File("mount")));
    }
}
