using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Plugins.Cgroups;

/// <summary>struct cgroups_record of cgroups.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CgroupRecord
{
    /// <summary>CGROUPS_PATH_MAX.</summary>
    public const int PathMax = 512;

    public ulong Id;
    public uint Removed;
    public uint PathLength;
    public PathBytes Path;

    /// <summary>Compares this struct with its C twin.</summary>
    /// <exception cref="BpfException">They have drifted apart.</exception>
    public static void Check(BpfObject loading)
    {
        CgroupRecord record = default;
        Btf.Of(loading).Twin("cgroups_record", ref record)
            .Field("id", ref record.Id)
            .Field("removed", ref record.Removed)
            .Field("path_length", ref record.PathLength)
            .Field("path", ref record.Path)
            .Check();
    }

    /// <summary>The path's bytes.</summary>
    [InlineArray(PathMax)]
    internal struct PathBytes
    {
        private byte _first;
    }
}
