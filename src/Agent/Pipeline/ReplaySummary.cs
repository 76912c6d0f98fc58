using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>What a replay saw, counted: transactions per route and status, and the ledger.</summary>
internal sealed class ReplaySummary : ITransactionObserver
{
    private readonly RedTable _red = new();
    private readonly Dictionary<string, (string Unit, long In, long Out, Dictionary<string, long> Dropped)> _stages = [];
    private long _transactions;

    public void OnTransaction(in Transaction transaction)
    {
        _transactions++;
        _red.Enter();
        _red.OnTransaction(in transaction);
        _red.Exit();
    }

    /// <summary>Adds a file's ledger to the sum.</summary>
    public void Add(Ledger ledger)
    {
        ledger.Refresh();
        foreach (LedgerStage stage in ledger.Stages)
        {
            (string unit, long @in, long @out, Dictionary<string, long> dropped) = _stages.GetValueOrDefault(stage.Name, (stage.Unit, 0, 0, []));
            foreach ((string reason, Counter counter) in stage.Dropped)
            {
                dropped[reason] = dropped.GetValueOrDefault(reason) + counter.Value;
            }
            _stages[stage.Name] = (unit, @in + stage.In.Value, @out + stage.Out.Value, dropped);
        }
    }

    /// <summary>Prints the sum.</summary>
    public void Write(StandardOutput output)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{_transactions} transactions\n\n{"count",9} {"errors",7} {"p50",10} {"p99",10}  {"status",6}  method route\n");
        foreach (RedSeriesSnapshot series in _red.Snapshot().OrderByDescending(static series => series.Count))
        {
            string status = series.Status == 0 ? "-" : series.Status.ToString(CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"{series.Count,9} {series.Errors,7} {Duration(series, 0.5),10} {Duration(series, 0.99),10}  {status,6}  {series.Method} {series.Route}\n");
        }
        if (_red.ResponsesWithoutRequest.Value > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{_red.ResponsesWithoutRequest.Value,9} responses whose request was not captured\n");
        }
        text.Append('\n');
        foreach ((string name, (string unit, long @in, long @out, Dictionary<string, long> dropped)) in _stages)
        {
            string reasons = string.Join(", ", dropped.Where(static one => one.Value > 0).Select(static one => $"{one.Value} {one.Key}"));
            text.Append(CultureInfo.InvariantCulture, $"{name}: {@in} {unit} in, {@out} out{(reasons.Length == 0 ? string.Empty : ", dropped: " + reasons)}\n");
        }
        output.TryWrite(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static string Duration(RedSeriesSnapshot series, double quantile) =>
        series.Duration.Count == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{series.Duration.QuantileNs(quantile) / 1e6:0.###} ms");
}
