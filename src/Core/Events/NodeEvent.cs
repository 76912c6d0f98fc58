using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Events;

/// <summary>Something that happened on the node, apart from requests. Rare, so it is an object of its own; never changed once made.</summary>
public abstract record NodeEvent
{
    /// <summary>What it is: the id of the plugin that saw it, "oomkill" or "tcpsynbl".</summary>
    public abstract string Type { get; }

    /// <summary>When, in nanoseconds since the Unix epoch.</summary>
    public required long TimeNs { get; init; }

    /// <summary>Who it happened to.</summary>
    public required Workload Workload { get; init; }
}

/// <summary>Takes events. Any thread may call; it does not wait.</summary>
public interface INodeEventObserver
{
    /// <summary>One event.</summary>
    void OnEvent(NodeEvent happened);
}
