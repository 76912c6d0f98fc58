using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>What feeds transactions to the observers: the kernel tap with streams and protocols, or a fake in tests.</summary>
/// <remarks>Its ledger stages are added by <see cref="Start"/>. It calls the observer on one thread of its own.</remarks>
internal interface ITransactionSource : IDisposable
{
    /// <summary>Attaches and starts its thread.</summary>
    /// <param name="observer">Takes the transactions.</param>
    /// <param name="gate">Held around each batch of transactions.</param>
    /// <exception cref="AgentException">It cannot; the message says what to do.</exception>
    void Start(ITransactionObserver observer, IBatchGate gate);

    /// <summary>Called, on the source's thread, when it cannot go on; <see cref="Trouble"/> says why.</summary>
    Action? Ended { get; set; }

    /// <summary>Why it does not capture now; null when it does.</summary>
    string? Trouble { get; }

    /// <summary>True when <see cref="Trouble"/> will not pass by itself.</summary>
    bool HasEnded => Trouble is not null;

    /// <summary>Called, on the source's thread, when a hook was taken or lost after the start.</summary>
    Action<HookStatus>? HookChanged
    {
        get => null;
        set
        {
        }
    }

    /// <summary>Which hooks it took.</summary>
    IReadOnlyList<HookStatus> Hooks { get; }

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
