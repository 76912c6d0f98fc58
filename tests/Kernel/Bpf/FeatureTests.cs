using KubeBpfBox.Bpf;

namespace KubeBpfBox.Kernel.Bpf;

public sealed class FeatureTests
{
    [Fact]
    public void Probes_ask_the_kernel()
    {
        Assert.True(KernelFeatures.Probe(BpfProgramType.CgroupSkb).IsSupported);
        Assert.True(KernelFeatures.Probe(BpfMapType.Ringbuf).IsSupported);
        Assert.True(KernelFeatures.Probe(BpfMapType.SkStorage).IsSupported);
        Assert.True(KernelFeatures.ProbeHelper(BpfProgramType.CgroupSkb, 130).IsSupported); // ringbuf_output
        // override_return belongs to kprobe programs
        HookSupport no = KernelFeatures.ProbeHelper(BpfProgramType.CgroupSkb, 58);
        Assert.False(no.IsSupported);
        Assert.Contains("helper 58", no.Reason, StringComparison.Ordinal);
        Assert.False(KernelFeatures.ProbeHelper(BpfProgramType.CgroupSkb, 100_000).IsSupported);
        Assert.True(KernelFeatures.Uprobe().IsSupported);
        Assert.True(KernelFeatures.PossibleCpuCount >= Environment.ProcessorCount);
        Assert.True(KernelFeatures.Release > new Version(5, 0));
        Assert.True(MemlockLimit.RaiseIfNeeded());
    }

    [Fact]
    public void A_refused_hook_has_a_reason_and_a_supported_one_none()
    {
        foreach (HookSupport support in new[] { KernelFeatures.Kprobe(), KernelFeatures.Fentry() })
        {
            Assert.Equal(support.IsSupported, support.Reason is null);
            Assert.Equal(support.IsSupported ? "yes" : $"no: {support.Reason}", support.ToString());
        }
    }

    [Theory]
    [InlineData("6.1.0-18-amd64", 6, 1)]
    [InlineData("5.15.0+", 5, 15)]
    [InlineData("6.18", 6, 18)]
    [InlineData("4.18.0-513.el8.x86_64", 4, 18)]
    [InlineData("6.12-rc1", 6, 12)]
    [InlineData("", 0, 0)]
    [InlineData("mystery", 0, 0)]
    [InlineData("6.", 0, 0)]
    public void Kernel_release(string text, int major, int minor) => Assert.Equal(new Version(major, minor), KernelFeatures.ParseRelease(text));

    [Fact]
    public void Capabilities_of_a_status_file()
    {
        Capabilities some = Capabilities.Parse("Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t000000c000001000\nSeccomp:\t0\n");
        Assert.Equal(Capability.Bpf | Capability.Perfmon | Capability.NetAdmin, some.Effective);
        Assert.Equal(Capability.None, some.Missing(Capability.Bpf | Capability.NetAdmin));
        Assert.Equal("CAP_SYS_PTRACE", some.Missing(Capability.Bpf | Capability.SysPtrace).ToText());
        Assert.Equal("CAP_BPF and CAP_PERFMON and CAP_NET_ADMIN", some.ToString());
        Capabilities admin = new(Capability.SysAdmin);
        Assert.Equal(Capability.NetAdmin, admin.Missing(Capability.Bpf | Capability.Perfmon | Capability.NetAdmin));
        Assert.Equal(Capability.None, Capabilities.Parse("").Effective);
        Assert.Equal(Capability.None, Capabilities.Parse("CapEff:\tnonsense").Effective);
        Assert.Equal(Capability.None, Capabilities.Current.Missing(Capability.SysAdmin));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("garbage\n1 2 3\n- cgroup2\n- - - - - - - -", null)]
    [InlineData("31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup")]
    [InlineData("31 23 0:28 / /sys/fs/cgroup rw shared:9 master:1 - cgroup2 cgroup rw,nsdelegate\n", "/sys/fs/cgroup")]
    [InlineData(
        "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n37 31 0:34 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/unified")]
    [InlineData(
        "1 2 0:28 /kubepods/pod1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n3 2 0:28 / /host/sys/fs/cgroup ro - cgroup2 cgroup rw\n",
        "/host/sys/fs/cgroup")]
    [InlineData(
        "1 2 0:28 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n3 2 0:28 /../../../.. /host/sys/fs/cgroup ro - cgroup2 cgroup rw\n4 2 0:28 /../.. /up ro - cgroup2 cgroup rw\n",
        "/host/sys/fs/cgroup")]
    [InlineData("1 2 0:28 / /mnt/my\\040groups rw - cgroup2 cgroup rw\n", "/mnt/my groups")]
    public void Cgroup2_mount_point(string mountInfo, string? expected) => Assert.Equal(expected, Cgroup2.FindMountPoint(mountInfo));
}
