using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Pipeline;

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
}
