using KubeBpfBox.Bpf;

namespace KubeBpfBox.Kernel.Bpf;

/// <summary>The compiled programs of tests/Kernel/bpf.</summary>
internal static class Programs
{
    internal static BpfObject Open(string name) => BpfObject.OpenResource(typeof(Programs).Assembly, $"{name}.bpf.o");

    /// <summary>basics.bpf.c with only the named programs, because not every kernel can load all of them.</summary>
    internal static BpfObject LoadBasics(params string[] programs)
    {
        BpfObject obj = Open("basics");
        foreach (BpfProgram program in obj.Programs)
        {
            program.AutoLoad = programs.Contains(program.Name);
        }
        obj.Load();
        return obj;
    }

    /// <summary>What basics.bpf.c counted: the sum over all CPUs.</summary>
    internal static Counters Count(BpfObject obj) => new BpfPerCpuArray<Counters>(obj.Maps["per_cpu"]).Sum(1);

    internal struct Counters
    {
        internal ulong Calls;
        internal ulong Bytes;
    }
}
