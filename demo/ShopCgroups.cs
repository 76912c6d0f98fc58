using KubeBpfBox.Support;

namespace KubeBpfBox.Demo;

/// <summary>Cgroups of the shop: below one of its own, which is all that the agent watches.</summary>
internal sealed class ShopCgroups : IDisposable
{
    private readonly TestCgroup? _version2;
    private readonly TestMemoryCgroup? _memory;

    public ShopCgroups()
    {
        _memory = TestMemoryCgroup.Root is null ? null : new TestMemoryCgroup();
        _version2 = TestMemoryCgroup.IsVersion2 && _memory is not null ? null : new TestCgroup();
    }

    /// <summary>The outermost, in the hierarchy of version 2.</summary>
    public string Folder => _version2?.FolderPath ?? _memory!.FolderPath;

    /// <summary>Whether memory can be limited on this machine.</summary>
    public bool CanLimitMemory => _memory is not null;

    /// <summary>Makes one.</summary>
    /// <param name="path">Below ours.</param>
    /// <param name="memoryBytes">Limit of its memory; 0 for none.</param>
    /// <returns>The folders that a process has to join.</returns>
    public IReadOnlyList<string> Make(string path, long memoryBytes)
    {
        string? limited = memoryBytes > 0 || _version2 is null ? _memory?.Make(path) : null;
        if (limited is not null && memoryBytes > 0)
        {
            TestMemoryCgroup.SetLimit(limited, memoryBytes);
        }
        return [.. new[] { _version2?.Make(path), limited }.OfType<string>()];
    }

    public void Dispose()
    {
        _memory?.Dispose();
        _version2?.Dispose();
    }
}
