using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Kernel.Bpf;

public sealed partial class AttachTests
{
    [Fact]
    public void Cgroup_programs_see_packets_until_disposed_and_several_links_coexist()
    {
        string cgroup = Cgroup2.FindMountPoint() ?? throw new InvalidOperationException("no cgroup v2 mount");
        using BpfObject obj = Programs.LoadBasics("basics__egress");
        uint id;
        using (BpfLink first = obj.Programs["basics__egress"].AttachCgroup(cgroup))
        {
            id = first.Id;
            Assert.Contains(id, KernelIds.Links());
            SendDatagram();
            ulong one = Programs.Count(obj).Calls;
            Assert.True(one >= 1);
            using BpfObject other = Programs.LoadBasics("basics__egress");
            using BpfLink second = other.Programs["basics__egress"].AttachCgroup(cgroup);
            Assert.NotEqual(first.Id, second.Id);
            SendDatagram();
            Assert.True(Programs.Count(obj).Calls > one);
            Assert.True(Programs.Count(other).Calls >= 1);
        }
        Assert.DoesNotContain(id, KernelIds.Links());
        ulong before = Programs.Count(obj).Calls;
        SendDatagram();
        Assert.Equal(before, Programs.Count(obj).Calls);
        Assert.Equal(before, obj.GetGlobal<ulong>("seen_packets"));
    }

    [Fact]
    public void A_link_outlives_its_object()
    {
        string cgroup = Cgroup2.FindMountPoint() ?? throw new InvalidOperationException("no cgroup v2 mount");
        BpfLink link;
        using (BpfObject obj = Programs.LoadBasics("basics__egress"))
        {
            link = obj.Programs["basics__egress"].AttachCgroup(cgroup);
        }
        Assert.Contains(link.Id, KernelIds.Links());
        uint id = link.Id;
        link.Dispose();
        link.Dispose();
        Assert.DoesNotContain(id, KernelIds.Links());
    }

    [Fact]
    public void Attaching_to_what_is_no_cgroup_says_so()
    {
        using BpfObject obj = Programs.LoadBasics("basics__egress");
        BpfException missing = Assert.Throws<BpfException>(() => obj.Programs["basics__egress"].AttachCgroup("/no/such/cgroup"));
        Assert.Equal(2, missing.Errno);
        Assert.Contains("/no/such/cgroup", missing.Message, StringComparison.Ordinal);
        BpfException wrong = Assert.Throws<BpfException>(() => obj.Programs["basics__egress"].AttachCgroup("/proc"));
        Assert.Contains("must be on a cgroup v2 mount", wrong.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => obj.Programs["basics__socket"].AttachCgroup("/proc"));
    }

    [Fact]
    public void Socket_filter_sees_what_its_socket_receives()
    {
        using BpfObject obj = Programs.LoadBasics("basics__socket");
        using Socket receiver = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using (BpfLink link = obj.Programs["basics__socket"].AttachSocketFilter(receiver.SafeHandle))
        {
            Assert.Equal(0u, link.Id);
            Exchange(receiver);
            Assert.Equal(1ul, Programs.Count(obj).Calls);
        }
        Exchange(receiver);
        Assert.Equal(1ul, Programs.Count(obj).Calls);
    }

    [Fact]
    public void Raw_tracepoint_runs()
    {
        using BpfObject obj = Programs.LoadBasics("basics__raw_tracepoint");
        Runs(obj, obj.Programs["basics__raw_tracepoint"].AttachRawTracepoint("sys_enter"), static () => Thread.Yield());
    }

    [Fact]
    public void Unknown_raw_tracepoint_is_named()
    {
        using BpfObject obj = Programs.LoadBasics("basics__raw_tracepoint");
        BpfException e = Assert.Throws<BpfException>(() => obj.Programs["basics__raw_tracepoint"].AttachRawTracepoint("no_such_point"));
        Assert.Contains("raw tracepoint 'no_such_point'", e.Message, StringComparison.Ordinal);
        Assert.Equal(2, e.Errno);
    }

    [Fact]
    public void Btf_tracepoint_runs()
    {
        using BpfObject obj = Programs.LoadBasics("basics__btf_tracepoint");
        Runs(obj, obj.Programs["basics__btf_tracepoint"].AttachBtfTracepoint(), static () => Thread.Yield());
    }

    [Fact]
    public void Uprobe_runs_by_symbol_and_by_return()
    {
        using BpfObject obj = Programs.LoadBasics("basics__uprobe");
        BpfProgram program = obj.Programs["basics__uprobe"];
        string libc = LibcPath();
        Runs(obj, program.AttachUprobe(libc, "getpriority", Environment.ProcessId), CallGetPriority);
        Runs(obj, program.AttachUprobe(libc, "getpriority", Environment.ProcessId, ret: true), CallGetPriority);
        BpfException e = Assert.Throws<BpfException>(() => program.AttachUprobe(libc, "no_such_function"));
        Assert.Contains("no_such_function", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tracepoint_runs()
    {
        using BpfObject obj = Programs.LoadBasics("basics__tracepoint");
        // tracefs need not be mounted, and a test does not mount for the whole machine: this thread gets mounts of its own.
        Tracefs.OnThreadThatHasIt(() =>
            Runs(obj, obj.Programs["basics__tracepoint"].AttachTracepoint("syscalls", "sys_enter_getpriority"), CallGetPriority));
    }

    [Fact]
    public void Kprobe_runs()
    {
        HookSupport support = KernelFeatures.Kprobe();
        Assert.SkipUnless(support.IsSupported, support.Reason ?? "");
        using BpfObject obj = Programs.LoadBasics("basics__kprobe");
        Runs(obj, obj.Programs["basics__kprobe"].AttachKprobe("__x64_sys_getpriority", ret: false), CallGetPriority);
        Runs(obj, obj.Programs["basics__kprobe"].AttachKprobe("__x64_sys_getpriority", ret: true), CallGetPriority);
    }

    [Theory]
    [InlineData("basics__fentry")]
    [InlineData("basics__fexit")]
    public void Fentry_and_fexit_run(string name)
    {
        HookSupport support = KernelFeatures.Fentry();
        Assert.SkipUnless(support.IsSupported, support.Reason ?? "");
        Assert.SkipUnless(Btf.LoadKernel().HasFunction("bpf_prog_get_info_by_fd"), "the function that the test watches cannot be attached to on this kernel: it is inlined");
        using BpfObject obj = Programs.LoadBasics(name);
        Runs(obj, obj.Programs[name].AttachFentry(), () => _ = obj.Programs[name].Id);
    }

    /// <summary>The program runs while attached, and no more afterwards.</summary>
    private static void Runs(BpfObject obj, BpfLink link, Action trigger)
    {
        ulong before = Programs.Count(obj).Calls;
        using (link)
        {
            trigger();
            Assert.True(Programs.Count(obj).Calls > before);
        }
        Assert.True(link.IsClosed);
        ulong after = Programs.Count(obj).Calls;
        trigger();
        Assert.Equal(after, Programs.Count(obj).Calls);
    }

    private static void SendDatagram()
    {
        using Socket receiver = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Exchange(receiver);
    }

    private static void Exchange(Socket receiver)
    {
        using Socket sender = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        sender.SendTo("hello"u8, receiver.LocalEndPoint!);
        byte[] buffer = new byte[16];
        receiver.ReceiveTimeout = 2000;
        Assert.Equal(5, receiver.Receive(buffer));
    }

    private static string LibcPath() => Process.GetCurrentProcess().Modules.Cast<ProcessModule>()
        .First(static module => module.ModuleName.StartsWith("libc.so", StringComparison.Ordinal)).FileName;

    private static void CallGetPriority() => _ = getpriority(0, 0);

    [LibraryImport("libc")]
    private static partial int getpriority(int which, int who);
}
