using KubeBpfBox.Bpf;

namespace KubeBpfBox.Kernel.Bpf;

public sealed class BtfTests
{
    [Fact]
    public void Struct_of_an_object()
    {
        using BpfObject obj = Programs.Open("basics");
        using Btf btf = Btf.Of(obj);
        BtfStruct pair = btf.GetStruct("pair");
        Assert.Equal(12, pair.Size);
        Assert.Equal(
            [("first", 0, 4, "__u32"), ("second", 4, 2, "__u16"), ("letters", 6, 6, "__u8[6]")],
            pair.Members.Select(static member => (member.Name, member.Offset, member.SizeBytes, member.TypeName)));
        Assert.False(btf.TryGetStruct("nothing", out _));
        Assert.Contains("no struct 'nothing'", Assert.Throws<BpfException>(() => btf.GetStruct("nothing")).Message, StringComparison.Ordinal);
        Assert.True(btf.HasFunction("basics__egress"));
        Assert.False(btf.HasFunction("basics__nothing"));
    }

    [Fact]
    public void Twin_that_fits_passes()
    {
        using BpfObject obj = Programs.Open("basics");
        using Btf btf = Btf.Of(obj);
        Pair twin = default;
        btf.Twin("pair", ref twin).Field("first", ref twin.First).Field("second", ref twin.Second).Array("letters", ref twin.Letter0, 6).Check();
        btf.CheckLayout<Pair>("pair", ("first", 0), ("second", 4), ("letters", 6));
    }

    [Fact]
    public void Twin_that_drifted_is_refused_with_every_difference()
    {
        using BpfObject obj = Programs.Open("basics");
        using Btf btf = Btf.Of(obj);
        BpfException e = Assert.Throws<BpfException>(() =>
        {
            Drifted twin = default;
            btf.Twin("pair", ref twin).Field("first", ref twin.First).Field("second", ref twin.Second).Field("third", ref twin.Third).Check();
        });
        Assert.Contains("the size is 12 bytes in C, 16 in C#", e.Message, StringComparison.Ordinal);
        Assert.Contains("'second' (__u16) is at offset 4 with 2 bytes in C, at 4 with 4 in C#", e.Message, StringComparison.Ordinal);
        Assert.Contains("C has no member 'third'", e.Message, StringComparison.Ordinal);
        Assert.Contains("C member 'letters' (__u8[6], offset 6) was not compared", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("'first'", e.Message, StringComparison.Ordinal);
        Assert.Throws<BpfException>(() => btf.CheckLayout<Pair>("pair", ("second", 6)));
    }

    [Fact]
    public void Kernel_types_functions_and_tracepoints()
    {
        Assert.SkipUnless(KernelFeatures.HasBtf, "this kernel has no BTF");
        using Btf btf = Btf.LoadKernel();
        BtfStruct skb = btf.GetStruct("sk_buff");
        // Source: include/linux/skbuff.h: next and prev come first, in an anonymous struct of an anonymous union.
        Assert.Equal((0, 8, "struct sk_buff *"), (skb.Find("next")!.Offset, skb.Find("next")!.SizeBytes, skb.Find("next")!.TypeName));
        Assert.Equal(8, skb.Find("prev")!.Offset);
        Assert.True(btf.HasMember("sock", "sk_ack_backlog"));
        Assert.False(btf.HasMember("sock", "no_such_member"));
        Assert.Contains(skb.Members, static member => member.BitFieldBits == 1);
        Assert.True(btf.HasFunction("tcp_v4_connect"));
        Assert.True(btf.HasType("u64"));
        Assert.False(btf.HasType("no_such_type"));
        Assert.True(btf.HasTracepoint("sched_switch"));
        Assert.True(btf.TryGetTracepointArguments("sched_process_exec", out IReadOnlyList<BtfParameter>? arguments));
        Assert.Equal(["struct task_struct *", "pid_t", "struct linux_binprm *"], arguments.Select(static argument => argument.TypeName));
        Assert.False(btf.TryGetTracepointArguments("no_such_point", out _));
        Assert.True(btf.TryGetFunctionArguments("tcp_v4_connect", out IReadOnlyList<BtfParameter>? connect));
        Assert.Equal(("sk", "struct sock *"), (connect[0].Name, connect[0].TypeName));
        Assert.True(btf.TryGetEnumValue("bpf_map_type", "BPF_MAP_TYPE_RINGBUF", out long ring));
        Assert.Equal((long)BpfMapType.Ringbuf, ring);
        Assert.False(btf.TryGetEnumValue("bpf_map_type", "BPF_MAP_TYPE_NONE_SUCH", out _));
        btf.Dispose();
        Assert.Throws<ObjectDisposedException>(() => btf.HasStruct("sk_buff"));
    }

    private struct Pair
    {
        internal uint First;
        internal ushort Second;
        internal byte Letter0;
#pragma warning disable CS0169, IDE0051 // They are there for their size.
        private readonly byte _letter1, _letter2, _letter3, _letter4, _letter5;
#pragma warning restore CS0169, IDE0051
    }

    private struct Drifted
    {
        internal uint First;
        internal uint Second;
        internal ulong Third;
    }
}
