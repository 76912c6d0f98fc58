using System.Runtime.InteropServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Kernel.Bpf;

/// <summary>The example of src/Bpf/README.md: ReadmeTests compares it with the text there, and runs it.</summary>
internal static class ReadmeExample
{
    // example
    internal static void Watch(TextWriter output, int packets)
    {
        using BpfObject obj = BpfObject.OpenResource(typeof(ReadmeExample).Assembly, "hello.bpf.o");
        Packet twin = default;
        Btf.Of(obj).Twin("packet", ref twin)
            .Field("cgroup_id", ref twin.CgroupId).Field("length", ref twin.Length).Field("protocol_be", ref twin.ProtocolBe).Check();
        obj.Load();
        using RingBufferReader ring = new(obj.Maps["packets"]);
        using BpfLink link = obj.Programs["hello__egress"].AttachCgroup(Cgroup2.FindMountPoint()!);
        Printer printer = new(output);
        for (int seen = 0; seen < packets && ring.Wait(timeoutMs: 10_000);)
        {
            seen += ring.Drain(ref printer, packets - seen);
        }
    }

    private readonly struct Printer(TextWriter output) : IRingConsumer
    {
        public void OnRecord(ReadOnlySpan<byte> record)
        {
            Packet packet = MemoryMarshal.Read<Packet>(record); // the record is borrowed, this copy is ours
            output.WriteLine($"cgroup {packet.CgroupId} sent {packet.Length} bytes");
        }
    }

    private struct Packet
    {
        internal ulong CgroupId;
        internal uint Length;
        internal uint ProtocolBe;
    }

    // end
}
