using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Kernel.Bpf;

public sealed partial class ObjectTests
{
    [Fact]
    public void Verifier_failure_leads_with_the_reason_and_keeps_the_log()
    {
        using BpfObject obj = Programs.Open("refused");
        VerifierException e = Assert.Throws<VerifierException>(obj.Load);
        Assert.StartsWith("invalid access to packet", e.Message, StringComparison.Ordinal);
        Assert.Contains("program 'refused__unchecked', section 'tc'", e.Message, StringComparison.Ordinal);
        Assert.Contains("return *(__u8 *)(long)skb->data;", e.Message, StringComparison.Ordinal);
        Assert.Contains("EACCES", e.Message, StringComparison.Ordinal);
        Assert.Equal("refused__unchecked", e.Program);
        Assert.Contains("processed ", e.Log, StringComparison.Ordinal);
        Assert.False(obj.IsLoaded);
    }

    [Theory]
    [InlineData("0: (b7) r0 = 0\nR1 invalid mem access 'scalar'\nprocessed 1 insns (limit 1000000) max_states_per_insn 0", "R1 invalid mem access 'scalar'")]
    [InlineData("; return x; @ a.c:1\n12: (85) call bpf_foo#1\nunknown func bpf_foo#1\nverification time 9 usec\nstack depth 0\n", "unknown func bpf_foo#1")]
    [InlineData("1: R1=ctx(off=0,imm=0) R10=fp0\n2: (95) exit\nR0 !read_ok\n", "R0 !read_ok")]
    [InlineData("", "the verifier gave no log")]
    [InlineData("\n\n", "the verifier gave no log")]
    public void Telling_line_of_a_log(string log, string reason) => Assert.Equal(reason, VerifierLog.Summarize(log).Reason);

    [Fact]
    public void Globals_are_set_before_and_read_after_loading()
    {
        using BpfObject obj = Programs.Open("basics");
        foreach (BpfProgram program in obj.Programs)
        {
            program.AutoLoad = program.Name == "basics__egress";
        }
        Assert.Equal(7u, obj.GetGlobal<uint>("chosen"));
        obj.SetRodata("chosen", 42u);
        obj.SetRodata("threshold", 101ul);
        obj.SetRodata("seen_packets", 1000ul);
        Assert.Contains("8 bytes", Assert.Throws<BpfException>(() => obj.SetRodata("threshold", 1)).Message, StringComparison.Ordinal);
        Assert.Contains("chosen, threshold", Assert.Throws<BpfException>(() => obj.SetRodata("nothing", 1)).Message, StringComparison.Ordinal);
        obj.Load();
        Assert.Throws<InvalidOperationException>(() => obj.SetRodata("chosen", 1u));
        Assert.Equal(1u, obj.Programs["basics__egress"].TestRun(new byte[64]).ReturnValue);
        Assert.Equal(42u, obj.GetGlobal<uint>("chosen"));
        Assert.Equal(1001ul, obj.GetGlobal<ulong>("seen_packets"));
        Assert.Equal(42u, new BpfArrayMap<Slot>(obj.Maps["shared_slots"])[999].First); // the program compared and copied them
    }

    [Fact]
    public void Maps_can_be_resized_before_loading_only()
    {
        using BpfObject obj = Programs.Open("ring");
        obj.Maps["ring"].MaxEntries = 4096;
        obj.Load();
        using RingBufferReader reader = new(obj.Maps["ring"]);
        Assert.Equal(4096, reader.CapacityBytes);
        BpfException e = Assert.Throws<BpfException>(() => obj.Maps["ring"].MaxEntries = 8192);
        Assert.Contains("only before the object is loaded", e.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(obj.Load);
    }

    [Fact]
    public void Unknown_names_list_what_is_there()
    {
        using BpfObject obj = Programs.Open("ring");
        BpfException map = Assert.Throws<BpfException>(() => obj.Maps["rong"]);
        Assert.Contains("has no map 'rong'; it has control, ", map.Message, StringComparison.Ordinal);
        Assert.Throws<BpfException>(() => obj.Programs["nothing"]);
        Assert.Throws<InvalidOperationException>(() => obj.Maps["ring"].Fd);
        obj.Dispose();
        Assert.Throws<ObjectDisposedException>(() => obj.Maps["ring"].Fd);
    }

    [Fact]
    public void What_is_no_object_is_refused_with_libbpfs_words()
    {
        BpfException e = Assert.Throws<BpfException>(() => BpfObject.Open("not an ELF file"u8, "nonsense"));
        Assert.Contains("open BPF object 'nonsense' (15 bytes)", e.Message, StringComparison.Ordinal);
        Assert.Contains("libbpf: ", e.Message, StringComparison.Ordinal);
        Assert.Throws<BpfException>(() => BpfObject.Open([], "empty"));
    }

    [Fact]
    public void Libbpfs_log_goes_to_the_sink()
    {
        List<(LibbpfLogLevel Level, string Line)> lines = [];
        LibbpfLog.Sink = (level, line) =>
        {
            lock (lines)
            {
                lines.Add((level, line));
            }
            throw new InvalidOperationException("a sink that fails must not take the process down");
        };
        LibbpfLog.Level = LibbpfLogLevel.Debug;
        try
        {
            using BpfObject obj = Programs.Open("ring");
        }
        finally
        {
            LibbpfLog.Sink = null;
            LibbpfLog.Level = LibbpfLogLevel.Information;
        }
        lock (lines)
        {
            Assert.Contains(lines, static entry => entry.Level == LibbpfLogLevel.Debug && entry.Line.Contains("ring__random", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Without_capabilities_the_missing_one_is_named()
    {
        BpfException e = Assert.Throws<BpfException>(static () => WithoutCapabilities(static () => Programs.LoadBasics("basics__egress").Dispose()));
        Assert.Equal(1, e.Errno);
        Assert.Contains("This process lacks CAP_BPF", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_stays_in_the_kernel_after_disposal()
    {
        uint program, map;
        using (BpfObject obj = Programs.LoadBasics("basics__egress"))
        {
            program = obj.Programs["basics__egress"].Id;
            map = obj.Maps["pairs"].Id;
            Assert.Contains(program, KernelIds.Programs());
            Assert.Contains(map, KernelIds.Maps());
        }
        Assert.DoesNotContain(program, KernelIds.Programs());
        // Maps are freed after an RCU grace period; their numbers go at once.
        Assert.DoesNotContain(map, KernelIds.Maps());
    }

    private static unsafe void WithoutCapabilities(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            // struct __user_cap_header_struct { version 3, pid 0 = this thread } and two zeroed sets
            uint* header = stackalloc uint[2] { 0x20080522, 0 };
            uint* none = stackalloc uint[6] { 0, 0, 0, 0, 0, 0 };
            try
            {
                Assert.Equal(0, capset(header, none));
                action();
            }
#pragma warning disable CA1031 // Passed on to the test's thread.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    [LibraryImport("libc")]
    private static unsafe partial int capset(uint* header, uint* data);

    private record struct Slot(uint First, uint Second, uint Third);
}
