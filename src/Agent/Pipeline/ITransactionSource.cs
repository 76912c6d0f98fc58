using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>A plugin's state, for people.</summary>
/// <param name="Plugin">Its id.</param>
/// <param name="Hook">The way it is attached; empty when it is not.</param>
/// <param name="Detail">What is degraded, or why it is not attached; empty when all is well.</param>
internal sealed record PluginState(string Plugin, string Hook, string Detail);

/// <summary>What feeds transactions to the observers: the kernel tap with streams and protocols, or a fake in tests.</summary>
/// <remarks>Its ledger stages are added when it is made. It calls the observer on one thread of its own.</remarks>
internal interface ITransactionSource : IDisposable
{
    /// <summary>Attaches and starts its thread.</summary>
    /// <param name="observer">Takes the transactions; <paramref name="red"/> is among those it hands them to.</param>
    /// <param name="red">Its gate is to be held around each batch of transactions.</param>
    /// <exception cref="AgentException">It cannot; the message says what to do.</exception>
    void Start(ITransactionObserver observer, RedTable red);

    /// <summary>Why it does not capture now; null when it does.</summary>
    string? Trouble { get; }

    /// <summary>Which hooks it took.</summary>
    IReadOnlyList<PluginState> Plugins { get; }

    /// <summary>Share of what was there that was followed to its end, from 0 to 1.</summary>
    double Completeness { get; }
}

/// <summary>Hands each transaction to several observers, in order.</summary>
internal sealed class ObserverList(params ITransactionObserver[] observers) : ITransactionObserver
{
    /// <inheritdoc/>
    public void OnTransaction(in Transaction transaction)
    {
        foreach (ITransactionObserver observer in observers)
        {
            observer.OnTransaction(in transaction);
        }
    }
}
