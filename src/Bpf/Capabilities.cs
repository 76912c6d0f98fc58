using System.Globalization;

namespace KubeBpfBox.Bpf;

/// <summary>The Linux capabilities that matter to eBPF (include/uapi/linux/capability.h), as a set.</summary>
[Flags]
public enum Capability : ulong
{
    /// <summary>The empty set.</summary>
    None = 0,

    /// <summary>Network programs, attaching to cgroups.</summary>
    NetAdmin = 1UL << 12,

    /// <summary>Raw and packet sockets.</summary>
    NetRaw = 1UL << 13,

    /// <summary>Reading other processes' files in /proc, uprobes on them.</summary>
    SysPtrace = 1UL << 19,

    /// <summary>The old umbrella: includes Bpf, Perfmon and NetAdmin's part in eBPF.</summary>
    SysAdmin = 1UL << 21,

    /// <summary>Raising resource limits (locked memory before 5.11).</summary>
    SysResource = 1UL << 24,

    /// <summary>Tracing programs and pointer reads (5.8).</summary>
    Perfmon = 1UL << 38,

    /// <summary>Maps, BTF and program loading (5.8).</summary>
    Bpf = 1UL << 39,
}

/// <summary>The effective capabilities of a process.</summary>
/// <param name="Effective">The set.</param>
public readonly record struct Capabilities(Capability Effective)
{
    private static readonly (Capability Bit, string Name)[] s_names =
    [
        (Capability.Bpf, "CAP_BPF"), (Capability.Perfmon, "CAP_PERFMON"), (Capability.NetAdmin, "CAP_NET_ADMIN"),
        (Capability.NetRaw, "CAP_NET_RAW"), (Capability.SysPtrace, "CAP_SYS_PTRACE"), (Capability.SysAdmin, "CAP_SYS_ADMIN"),
        (Capability.SysResource, "CAP_SYS_RESOURCE"),
    ];

    /// <summary>Those of this thread now, which is whom the kernel asks (/proc/thread-self/status, CapEff); the empty set when that cannot be read.</summary>
    public static Capabilities Current
    {
        get
        {
            try
            {
                return Parse(File.ReadAllText("/proc/thread-self/status"));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return default;
            }
        }
    }

    /// <summary>Reads the CapEff line of a /proc/PID/status.</summary>
    public static Capabilities Parse(ReadOnlySpan<char> status)
    {
        foreach (ReadOnlySpan<char> line in status.EnumerateLines())
        {
            if (line.StartsWith("CapEff:", StringComparison.Ordinal)
                && ulong.TryParse(line[7..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong bits))
            {
                return new Capabilities((Capability)bits);
            }
        }
        return default;
    }

    /// <summary>Which of <paramref name="needed"/> are not there. CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON.</summary>
    public Capability Missing(Capability needed)
    {
        Capability have = Effective;
        if (have.HasFlag(Capability.SysAdmin))
        {
            have |= Capability.Bpf | Capability.Perfmon;
        }
        return needed & ~have;
    }

    /// <inheritdoc/>
    public override string ToString() => ToText(Effective);

    internal static string ToText(Capability set) =>
        string.Join(" and ", s_names.Where(entry => set.HasFlag(entry.Bit)).Select(static entry => entry.Name));
}

/// <summary>Text form of capability sets.</summary>
public static class CapabilityText
{
    /// <summary>"CAP_BPF and CAP_NET_ADMIN".</summary>
    public static string ToText(this Capability set) => Capabilities.ToText(set);
}
