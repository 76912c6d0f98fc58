using System.Text;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Inode numbers of cgroup directories, which are the cgroups' ids.</summary>
internal static class CgroupInode
{
    /// <summary>Inode, and so id, of the hierarchy's root: kernfs gives 1 to the first node.</summary>
    public const ulong RootId = 1;

    /// <summary>Inode number of a directory; 0 when it cannot be read.</summary>
    public static ulong Of(string folder)
    {
        PathBuffer path = new(stackalloc byte[PathBuffer.Length]);
        path.Append(Encoding.UTF8.GetBytes(folder));
        int descriptor = Libc.Open(path.Terminated);
        if (descriptor < 0)
        {
            return 0;
        }
        ulong inode = 0;
        DirectoryReader entries = new(descriptor, stackalloc byte[4096]);
        while (inode == 0 && entries.TryRead())
        {
            inode = entries.Name.SequenceEqual("."u8) ? entries.Inode : 0;
        }
        Libc.Close(descriptor);
        return inode;
    }
}
