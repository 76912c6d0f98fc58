namespace KubeBpfBox.Bpf.Native;

/// <summary>errno values of Linux (asm-generic/errno.h), those that bpf(2) and its relatives give.</summary>
internal static class Errors
{
    internal const int EPERM = 1, ENOENT = 2, EINTR = 4, E2BIG = 7, EBADF = 9, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14,
        EBUSY = 16, EEXIST = 17, ENODEV = 19, EINVAL = 22, ENOSPC = 28, ESRCH = 3, ENOSYS = 38, EOPNOTSUPP = 95;

    /// <summary>ENOTSUPP, the kernel's internal code that bpf(2) leaks; the C library has no text for it.</summary>
    internal const int ENOTSUPP = 524;

    /// <summary>From here on the codes are libbpf's own (enum libbpf_errno).</summary>
    internal const int LibbpfStart = 4000;

    internal static string? Name(int errno) => errno switch
    {
        EPERM => "EPERM",
        ENOENT => "ENOENT",
        ESRCH => "ESRCH",
        EINTR => "EINTR",
        E2BIG => "E2BIG",
        EBADF => "EBADF",
        EAGAIN => "EAGAIN",
        ENOMEM => "ENOMEM",
        EACCES => "EACCES",
        EFAULT => "EFAULT",
        EBUSY => "EBUSY",
        EEXIST => "EEXIST",
        ENODEV => "ENODEV",
        EINVAL => "EINVAL",
        ENOSPC => "ENOSPC",
        ENOSYS => "ENOSYS",
        EOPNOTSUPP => "EOPNOTSUPP",
        ENOTSUPP => "ENOTSUPP: this kernel does not support it",
        _ => null,
    };
}
