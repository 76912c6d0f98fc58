namespace KubeBpfBox.Core.Sinks;

/// <summary>
/// One output. What it takes it says by implementing <see cref="Records.ITransactionObserver"/>, <see cref="Events.INodeEventObserver"/> and
/// <see cref="Red.IRedWindowObserver"/>; none of them may wait.
/// </summary>
/// <remarks>Lifetime: made, started once, disposed once; nothing is passed to it before <see cref="Start"/> or after <see cref="IDisposable.Dispose"/>.</remarks>
public interface ISink : IDisposable
{
    /// <summary>Its folder's name, the section of its settings, and the prefix of its ledger stages: "influxdb".</summary>
    string Id { get; }

    /// <summary>What is wrong with it now, in one line that says what to do; null when nothing is.</summary>
    string? Trouble { get; }

    /// <summary>Begins to work.</summary>
    void Start();
}
