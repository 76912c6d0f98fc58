using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>The one list of what there is: protocols, plugins, forms of output.</summary>
internal static class Pipelines
{
    /// <summary>How transactions are written.</summary>
    public static TransactionFormats Formats { get; } = new(TransactionJson.Write, static (output, in transaction) => TransactionText.Write(output, in transaction));

    /// <summary>Lines for a terminal.</summary>
    public static TransactionWriter TerminalFormat { get; } = static (output, in transaction) => TransactionText.Write(output, in transaction, ansi: true);

    /// <summary>Protocols that are on, in the order in which they are asked.</summary>
    public static IReadOnlyList<IProtocol> CreateProtocols(AgentOptions options)
    {
        List<IProtocol> protocols = [];
        if (options.Http1Enabled)
        {
            protocols.Add(new Http1Protocol(TimeSpan.FromTicks(options.Http1RequestTimeoutNs / TimeSpan.NanosecondsPerTick)));
        }
        return protocols;
    }

    /// <summary>What feeds transactions; null when nothing is to be captured.</summary>
    public static ITransactionSource? CreateSource(AgentOptions options, Ledger ledger) =>
        options.TrafficEnabled ? new TrafficSource(options, ledger) : null;

    /// <summary>The table of series, with its page in the ledger.</summary>
    public static RedTable CreateRed(AgentOptions options, Ledger ledger)
    {
        RedTable red = new((int)options.RedMaxSeries);
        LedgerStage stage = ledger.AddStage("red", "transactions");
        Counter responses = stage.DropReason("response_without_request");
        ledger.OnRead(() =>
        {
            red.Enter();
            stage.In.Value = red.Transactions.Value;
            responses.Value = red.ResponsesWithoutRequest.Value;
            stage.Out.Value = red.SeriesTransactions;
            red.Exit();
        });
        return red;
    }

    /// <summary>Limits of the streams.</summary>
    public static StreamOptions StreamOptions(AgentOptions options) => new()
    {
        MaxBytes = options.StreamsMaxBytes,
        MaxConnections = (int)options.StreamsMaxConnections,
        IdleTimeout = TimeSpan.FromTicks(options.StreamsIdleTimeoutNs / TimeSpan.NanosecondsPerTick),
    };
}
