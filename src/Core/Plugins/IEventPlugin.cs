namespace KubeBpfBox.Core.Plugins;

/// <summary>A plugin that reports events of the node. The agent goes on without one that cannot be attached, and says so.</summary>
public interface IEventPlugin : IDisposable
{
    /// <summary>Name of its folder, which is its key in the configuration and in output.</summary>
    string Id { get; }

    /// <summary>The ways that were tried, and which was taken. Empty before <see cref="Attach"/>.</summary>
    IReadOnlyList<HookStatus> Hooks { get; }

    /// <summary>Why it no longer reports; null while it does.</summary>
    string? Trouble { get; }

    /// <summary>Loads its program and takes the first way that holds. Throws nothing for a refusal: <see cref="Hooks"/> says it.</summary>
    /// <returns>True when a way was taken.</returns>
    bool Attach();

    /// <summary>Begins to report, on a thread of its own.</summary>
    void Start();
}
