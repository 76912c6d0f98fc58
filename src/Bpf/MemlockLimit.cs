using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>Locked memory: before 5.11 maps and programs count against RLIMIT_MEMLOCK, whose default of 64 KiB lets nothing load.</summary>
public static class MemlockLimit
{
    /// <summary>Raises the limit to "unlimited" on kernels that need it, as far as this process may. Later kernels use the memory cgroup.</summary>
    /// <returns>False when it is needed and was refused (CAP_SYS_RESOURCE is missing).</returns>
    public static unsafe bool RaiseIfNeeded()
    {
        if (KernelFeatures.Release >= new Version(5, 11))
        {
            return true;
        }
        ResourceLimit limit;
        if (Libc.getrlimit(Libc.RlimitMemlock, &limit) == 0 && limit.Current == ulong.MaxValue)
        {
            return true;
        }
        limit = new ResourceLimit { Current = ulong.MaxValue, Maximum = ulong.MaxValue };
        return Libc.setrlimit(Libc.RlimitMemlock, &limit) == 0;
    }
}
