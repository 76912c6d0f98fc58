using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Plugins;

namespace KubeBpfBox.Plugins.OomKill;

/// <summary>The kernel side of the plugin, loaded and attached one way.</summary>
/// <remarks>
/// Lifetime: everything in the kernel belongs to this object's descriptors and goes with the process, however it ends.
/// Threads: the ring is for one thread; counters may be read by any, also after disposal.
/// </remarks>
internal sealed class OomKillProgram : IDisposable
{
    private const string Tracepoint = "mark_victim";
    private const string TaskPointer = "struct task_struct *";

    // A charge that may end in a kill asks for 2^PAGE_ALLOC_COSTLY_ORDER pages at most, and failed: mem_cgroup_oom in mm/memcontrol.c.
    private const ulong LargestChargePages = 8;

    // What a CPU has charged in advance and gives back when a charge fails: MEMCG_CHARGE_BATCH, once 32; drain_all_stock does not wait for it.
    private const ulong ChargeBatchPages = 64;

    private readonly BpfObject _object;
    private readonly BpfLinks _links = new();
    private readonly Lock _counting = new();
    private OomKillCounters _last;
    private bool _isDisposed;

    private OomKillProgram(BpfObject loaded, string hook)
    {
        _object = loaded;
        Hook = hook;
        Ring = new RingBufferReader(loaded.Maps["records"]);
    }

    /// <summary>The ways in, best first.</summary>
    /// <remarks>
    /// The tracepoint is the kernel's own promise and runs for each process killed. The functions come before it has a task to show. The
    /// second program of a way sees the other members of a cgroup that is killed as one (memory.oom.group).
    /// </remarks>
    private static readonly Way[] s_ways =
    [
        new("raw_tp/mark_victim", "oomkill__mark_victim", null, null),
        new("fentry/oom_kill_process", "oomkill__kill_fentry", "fentry/__oom_kill_process", "oomkill__member_fentry"),
        new("kprobe/oom_kill_process", "oomkill__kill_kprobe", "kprobe/__oom_kill_process", "oomkill__member_kprobe"),
    ];

    private sealed record Way(string Hook, string Program, string? MemberHook, string? MemberProgram);

    /// <summary>The way that was taken.</summary>
    public string Hook { get; }

    /// <summary>The records.</summary>
    public RingBufferReader Ring { get; }

    /// <summary>Takes the first way that holds.</summary>
    /// <param name="hooks">Gets what was tried and what became of it.</param>
    /// <param name="only">The one way to try; null for all.</param>
    /// <param name="ringBytes">Size of the ring buffer; 0 for that of the object.</param>
    /// <returns>Null when none does.</returns>
    public static OomKillProgram? TryAttach(List<HookStatus> hooks, string? only = null, int ringBytes = 0)
    {
        foreach (Way way in s_ways)
        {
            if (only is not null && only != way.Hook)
            {
                continue;
            }
            try
            {
                return Attach(way, hooks, ringBytes);
            }
            catch (BpfException refused)
            {
                hooks.Add(Status(way.Hook, false, refused.Message));
            }
        }
        return null;
    }

    private static OomKillProgram Attach(Way way, List<HookStatus> hooks, int ringBytes)
    {
        RequireKernelHas(way);
        if (way.MemberProgram is null)
        {
            OomKillProgram program = Attach(way, ringBytes, withMembers: false);
            hooks.Add(Status(way.Hook, true, "the kernel's tracepoint, with the task"));
            return program;
        }
        HookStatus members;
        OomKillProgram attached;
        try
        {
            attached = Attach(way, ringBytes, withMembers: true);
            members = Status(way.MemberHook!, true, "the other processes of a cgroup with memory.oom.group");
        }
        catch (BpfException refused)
        {
            // It may be that function or the way itself: the second try tells.
            attached = Attach(way, ringBytes, withMembers: false);
            members = Status(way.MemberHook!, false, $"of a cgroup with memory.oom.group only one process is reported: {refused.Message}");
        }
        hooks.Add(Status(way.Hook, true, "the kernel's function"));
        hooks.Add(members);
        return attached;
    }

    /// <summary>Asks the kernel's types, not its version: changes are brought to older kernels, too.</summary>
    private static void RequireKernelHas(Way way)
    {
        using Btf kernel = Btf.LoadKernel();
        if (way.MemberProgram is null)
        {
            string argument = kernel.TryGetTracepointArguments(Tracepoint, out IReadOnlyList<BtfParameter>? arguments) && arguments.Count > 0
                ? arguments[0].TypeName
                : throw new BpfException($"this kernel has no tracepoint {Tracepoint}");
            if (argument != TaskPointer)
            {
                throw new BpfException($"this kernel's tracepoint {Tracepoint} passes {argument}, not the task");
            }
            return;
        }
        string function = way.Hook[(way.Hook.IndexOf('/', StringComparison.Ordinal) + 1)..];
        if (!kernel.TryGetFunctionArguments(function, out IReadOnlyList<BtfParameter>? given))
        {
            throw new BpfException($"this kernel has no function {function}, or has inlined it");
        }
        if (given is not [{ TypeName: "struct oom_control *" }, { TypeName: "const char *" }])
        {
            throw new BpfException($"this kernel's function {function} takes ({string.Join(", ", given.Select(static parameter => parameter.TypeName))})");
        }
    }

    private static OomKillProgram Attach(Way way, int ringBytes, bool withMembers)
    {
        OomKillProgram program = BpfObject.LoadResource(typeof(OomKillProgram).Assembly, "oomkill.bpf.o", loading =>
        {
            OomKillLayout.Check(loading);
            loading.SetRodata("no_limit_pages", (ulong)(long.MaxValue / Environment.SystemPageSize));
            loading.SetRodata("margin_pages", LargestChargePages + (ChargeBatchPages * (ulong)KernelFeatures.PossibleCpuCount));
            if (ringBytes > 0)
            {
                loading.Maps["records"].MaxEntries = ringBytes;
            }
            foreach (BpfProgram each in loading.Programs)
            {
                each.AutoLoad = each.Name == way.Program || (withMembers && each.Name == way.MemberProgram);
            }
        }, loaded => new OomKillProgram(loaded, way.Hook));
        try
        {
            if (withMembers)
            {
                program.AttachTo(way.MemberHook!, way.MemberProgram!);
            }
            program.AttachTo(way.Hook, way.Program);
            return program;
        }
        catch
        {
            program.Dispose();
            throw;
        }
    }

    private void AttachTo(string hook, string name)
    {
        string target = hook[(hook.IndexOf('/', StringComparison.Ordinal) + 1)..];
        BpfProgram program = _object.Programs[name];
        _links.Add(hook.Split('/')[0] switch
        {
            "raw_tp" => program.AttachRawTracepoint(target),
            "fentry" => program.AttachFentry(),
            _ => program.AttachKprobe(target, ret: false),
        });
    }

    private static HookStatus Status(string hook, bool attached, string detail) => new(OomKillPlugin.PluginId, hook, attached, detail);

    /// <summary>The kernel's counters.</summary>
    public OomKillCounters ReadCounters()
    {
        lock (_counting)
        {
            return _last = _isDisposed ? _last : _object.GetGlobal<OomKillCounters>("counters");
        }
    }

    /// <summary>Sees no more kills; what is in the ring buffer stays readable.</summary>
    public void Detach() => _links.Dispose();

    /// <summary>Detaches and unloads.</summary>
    public void Dispose()
    {
        Detach();
        ReadCounters();
        lock (_counting)
        {
            _isDisposed = true;
        }
        Ring.Dispose();
        _object.Dispose();
    }
}
