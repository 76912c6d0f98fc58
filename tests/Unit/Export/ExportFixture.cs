using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Export;

/// <summary>An exporter without a thread: the test does its steps, on a clock that it moves.</summary>
internal sealed class ExportFixture : IDisposable
{
    private int _last;

    public ExportFixture(ExportOptions options, ManualTime? time = null, ScriptedTransport? server = null, int lastItem = 0)
    {
        Time = time ?? new ManualTime();
        Server = server ?? new ScriptedTransport();
        _last = lastItem;
        Exporter = new Exporter("test", "lines", "lines", "lines", Server, options, Ledger, new ExportLog(Warnings.Add, Informs.Add), Time);
    }

    public ManualTime Time { get; }

    public ScriptedTransport Server { get; }

    public Ledger Ledger { get; } = new();

    public List<string> Warnings { get; } = [];

    public List<string> Informs { get; } = [];

    public Exporter Exporter { get; }

    public int LastItem => _last;

    public long NowNs => Time.NowMs * 1_000_000;

    /// <summary>Hands on a batch of items numbered on: "log 1", "log 2".</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="items">How many.</param>
    /// <param name="itemBytes">Length of each, filled up with text that cannot be compressed.</param>
    public bool Add(ExportKind kind, int items = 1, int itemBytes = 0)
    {
        StringBuilder text = new();
        for (int i = 0; i < items; i++)
        {
            string item = $"{kind} {++_last}";
            text.Append(item);
            if (itemBytes > item.Length + 2)
            {
                byte[] noise = new byte[(itemBytes - item.Length) / 2];
                new Random(_last).NextBytes(noise);
                text.Append(' ').Append(Convert.ToHexString(noise));
            }
            text.Append('\n');
        }
        Exporter.Stage(kind).In.AddShared(items);
        return Exporter.TryEnqueue(new ExportBatch(kind, items, NowNs, Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>Lets time pass in small pieces, doing what is due.</summary>
    public void Run(double seconds, double step = 0.25)
    {
        for (double t = 0; t < seconds; t += step)
        {
            _ = Exporter.Step();
            Assert.NotEqual(TimeSpan.Zero, Exporter.Step()); // else its thread would spin
            Time.Advance(step);
        }
        _ = Exporter.Step();
    }

    public long Dropped(ExportKind kind, string reason) => Exporter.Stage(kind).Dropped.Single(pair => pair.Key == reason).Value.Value;

    public long DroppedInAll() => Ledger.Stages.Sum(static stage => stage.Dropped.Sum(static pair => pair.Value.Value));

    public long HeldInAll() => Ledger.Stages.Sum(static stage => stage.Held!());

    public void CheckLedger()
    {
        foreach (LedgerStage stage in Ledger.Stages)
        {
            Assert.True(stage.Unaccounted == 0, $"{stage.Name}: {stage.Unaccounted} unaccounted of in {stage.In.Value}, out {stage.Out.Value}, held {stage.Held!()}");
        }
    }

    public void Dispose() => Exporter.Dispose();
}
