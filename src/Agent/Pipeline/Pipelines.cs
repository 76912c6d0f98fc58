using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Bpf;
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
        options.NetInterface.Length > 0 ? new InterfaceSource(options, ledger) : options.TrafficEnabled ? new TrafficSource(options, ledger) : null;

    /// <summary>Looks whether this process may capture what it is told to.</summary>
    /// <exception cref="AgentException">It may not; the message names what is missing.</exception>
    public static void RequireRights(AgentOptions options)
    {
        if (options.NetInterface.Length > 0)
        {
            RequireRights(InterfaceSource.Needed);
        }
        else if (options.TrafficEnabled)
        {
            RequireRights(TrafficSource.Needed);
        }
    }

    private static void RequireRights(Capability needed)
    {
        Capability missing = Capabilities.Current.Missing(needed);
        if (missing != Capability.None)
        {
            throw new AgentException($"capturing needs {needed.ToText()}, and this process lacks {missing.ToText()}: run it as root, or grant them (Kubernetes: securityContext.capabilities.add; systemd: AmbientCapabilities=)");
        }
    }

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
