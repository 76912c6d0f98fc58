using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Events;

/// <summary>Whose memory had run out.</summary>
public enum OomScope
{
    /// <summary>Not known: the way in does not tell.</summary>
    Unknown,

    /// <summary>A cgroup's limit; which kind of cgroup that is, its path says.</summary>
    Cgroup,

    /// <summary>The node's.</summary>
    Node,

    /// <summary>The limit of a container.</summary>
    Container,

    /// <summary>The limit of all containers of a pod together.</summary>
    Pod,
}

/// <summary>The kernel killed a process to get its memory.</summary>
/// <remarks>Units: bytes; -1 where the kernel did not tell. Source: mm/oom_kill.c.</remarks>
public sealed record OomKillEvent : NodeEvent
{
    /// <inheritdoc/>
    public override string Type => "oomkill";

    /// <summary>Process id of the victim, in the root namespace.</summary>
    public required int ProcessId { get; init; }

    /// <summary>Process id of the victim as its own container counts; 0 when not known.</summary>
    public int ContainerProcessId { get; init; }

    /// <summary>Name of the victim.</summary>
    public required string ProcessName { get; init; }

    /// <summary>User id of the victim, in the root namespace; -1 when not known.</summary>
    public long UserId { get; init; } = -1;

    /// <summary>The process that asked for the memory that was not there, in the root namespace; often the victim itself.</summary>
    public required int TriggerProcessId { get; init; }

    /// <summary>Name of that process.</summary>
    public required string TriggerProcessName { get; init; }

    /// <summary>Who that process belongs to.</summary>
    public required Workload Trigger { get; init; }

    /// <summary>Whose memory had run out.</summary>
    public OomScope Scope { get; init; }

    /// <summary>Path of the cgroup whose limit it was, innermost segments; empty for the node's memory.</summary>
    public string LimitCgroup { get; init; } = string.Empty;

    /// <summary>That limit.</summary>
    public long LimitBytes { get; init; } = -1;

    /// <summary>Charged to that cgroup at the time.</summary>
    public long UsageBytes { get; init; } = -1;

    /// <summary>Of the victim: memory of its own (heap, stacks).</summary>
    public long AnonRssBytes { get; init; } = -1;

    /// <summary>Of the victim: mapped files.</summary>
    public long FileRssBytes { get; init; } = -1;

    /// <summary>Of the victim: shared memory.</summary>
    public long ShmemRssBytes { get; init; } = -1;

    /// <summary>Of the victim: swapped out.</summary>
    public long SwapBytes { get; init; } = -1;

    /// <summary>Of the victim: page tables.</summary>
    public long PageTableBytes { get; init; } = -1;

    /// <summary>Of the victim: -1000 (never) to 1000 (first).</summary>
    public int OomScoreAdj { get; init; }

    /// <summary>What the kernel's log says first: "Memory cgroup out of memory", "Out of memory"; empty when the way in does not tell.</summary>
    public string Message { get; init; } = string.Empty;

    /// <summary>The way in that saw it: "raw_tp/mark_victim".</summary>
    public required string Hook { get; init; }
}
