using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Rate, errors and duration: what is fed, and how it is read.</summary>
/// <param name="Observer">Takes transactions.</param>
/// <param name="Snapshot">All series since the start.</param>
/// <param name="TakeWindow">What came since the last call.</param>
internal sealed record RedPart(ITransactionObserver Observer, Func<IReadOnlyList<RedSeriesSnapshot>> Snapshot, Func<IReadOnlyList<RedSeriesSnapshot>> TakeWindow);

/// <summary>Makes the parts that the configuration asks for.</summary>
internal static class Pipelines
{
    /// <summary>How transactions are written.</summary>
    public static TransactionFormats Formats { get; } = new(TransactionJson.Write, static (output, in transaction) => TransactionText.Write(output, in transaction));

    /// <summary>Lines for a terminal.</summary>
    public static TransactionWriter TerminalFormat { get; } = static (output, in transaction) => TransactionText.Write(output, in transaction, ansi: true);

    /// <summary>What feeds transactions; null when nothing is to be captured.</summary>
    public static ITransactionSource? CreateSource(AgentOptions options, Ledger ledger, ILoggerFactory loggers)
    {
        _ = (options, ledger, loggers);
        return null;
    }

    /// <summary>The table of series.</summary>
    public static RedPart CreateRed(AgentOptions options, Ledger ledger)
    {
        _ = (options, ledger);
        return new RedPart(new ObserverList(), static () => [], static () => []);
    }
}
