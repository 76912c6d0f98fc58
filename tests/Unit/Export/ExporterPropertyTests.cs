using KubeBpfBox.Core.Export;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Export;

/// <summary>Random lives of an exporter: whatever happens, each item arrives once or is counted as lost.</summary>
public sealed class ExporterPropertyTests : IDisposable
{
    private const string Bad = "9";

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualTime _time = new();
    private readonly ScriptedTransport _server = new();
    private long _added;
    private long _droppedBefore;
    private int _directories;
    private ExportFixture _fixture = null!;
    private ExportOptions _options = null!;

    public static TheoryData<int, bool> Lives()
    {
        TheoryData<int, bool> lives = [];
        for (int seed = 1; seed <= 60; seed++)
        {
            lives.Add(seed, seed % 2 == 0);
        }
        return lives;
    }

    public void Dispose()
    {
        _fixture?.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [MemberData(nameof(Lives))]
    public void Each_item_arrives_once_or_is_counted(int seed, bool isFickle)
    {
        Random random = new(seed);
        _options = new ExportOptions
        {
            SpoolPath = _directory.File("spool"),
            SpoolMaxBytes = random.Next(4) == 0 ? 300_000 : 64 << 20,
            SpoolBytesPerSecond = random.Next(2) == 0 ? 50_000 : 1 << 30,
            SpoolMaxAge = random.Next(4) == 0 ? TimeSpan.FromSeconds(100) : TimeSpan.FromHours(24),
            MemoryBytes = 200_000,
        };
        _fixture = new ExportFixture(_options, _time, _server);
        Func<ExportBatch, ExportResult> mode = static _ => ExportResult.Accepted;
        for (int i = 0; i < 300; i++)
        {
            switch (random.Next(12))
            {
                case < 5:
                    int items = random.Next(1, 20);
                    _added += items;
                    _fixture.Add((ExportKind)random.Next(3), items, random.Next(1000));
                    break;
                case < 7:
                    mode = ModeOf(random, isFickle);
                    break;
                case 7 when random.Next(3) == 0:
                    Restart();
                    break;
                case 8 when random.Next(3) == 0:
                    Crash();
                    break;
                default:
                    _time.Advance(random.NextDouble() * 20);
                    break;
            }
            _server.Answer = mode;
            _ = _fixture.Exporter.Step();
            _fixture.CheckLedger();
        }
        Drain();
        Assert.Equal(_server.Taken.Count, _server.Taken.Distinct().Count());
        Assert.Equal(_added, _server.Taken.Count + _droppedBefore + _fixture.DroppedInAll());
        Assert.DoesNotContain(_fixture.Warnings, static text => text.Contains("internal", StringComparison.Ordinal));
    }

    // Which answers a server gives from now on; a fickle one changes its mind between two requests.
    private static Func<ExportBatch, ExportResult> ModeOf(Random random, bool isFickle)
    {
        switch (random.Next(isFickle ? 5 : 4))
        {
            case 0:
                return static _ => ExportResult.Accepted;
            case 1:
                TimeSpan? retryAfter = random.Next(2) == 0 ? TimeSpan.FromSeconds(random.Next(10)) : null;
                return _ => new ExportResult(ExportStatus.Retry, "away", retryAfter);
            case 2:
                int most = random.Next(1, 5000);
                return batch => batch.Payload.Length > most ? new ExportResult(ExportStatus.TooLarge) : ExportResult.Accepted;
            case 3:
                return static batch => Array.Exists(ScriptedTransport.ItemsOf(batch), static item => item.Split(' ')[1].EndsWith(Bad, StringComparison.Ordinal))
                    ? new ExportResult(ExportStatus.Malformed) : ExportResult.Accepted;
            default:
                return batch => random.Next(4) switch
                {
                    0 => new ExportResult(ExportStatus.Retry, "away"),
                    1 => new ExportResult(ExportStatus.TooLarge),
                    2 => new ExportResult(ExportStatus.Malformed),
                    _ => ExportResult.Accepted,
                };
        }
    }

    private void Restart()
    {
        _fixture.Dispose();
        _fixture.CheckLedger();
        Reopen();
    }

    // What kill -9 leaves is what the files hold: a copy of them, as the process that had them goes on unseen.
    private void Crash()
    {
        _server.Answer = ScriptedTransport.Away;
        _ = _fixture.Exporter.Step(); // all is on disk now, unless the server asked to be left alone: that would be lost
        _time.Advance(60);
        _ = _fixture.Exporter.Step();
        string copy = _directory.File($"copy{_directories++}");
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(_options.SpoolPath!, "*.spool"))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }
        _options = _options with { SpoolPath = copy };
        ExportFixture dead = _fixture;
        Reopen();
        Assert.Equal(dead.HeldInAll(), _fixture.Ledger.Stages.Sum(static stage => stage.In.Value));
        dead.Dispose();
    }

    private void Reopen()
    {
        _droppedBefore += _fixture.DroppedInAll();
        ExportFixture old = _fixture;
        _fixture = new ExportFixture(_options, _time, _server, old.LastItem);
        _server.Answer = ScriptedTransport.Away;
        _ = _fixture.Exporter.Step();
        _fixture.CheckLedger();
    }

    private void Drain()
    {
        _server.Answer = static _ => ExportResult.Accepted;
        int before = _server.Taken.Count;
        _fixture.Run(400, 1);
        Assert.Equal(0, _fixture.HeldInAll());
        _fixture.CheckLedger();
        foreach (IGrouping<string, string> kind in _server.Taken.Skip(before).GroupBy(static item => item.Split(' ')[0]))
        {
            int[] numbers = [.. kind.Select(static item => int.Parse(item.Split(' ')[1]))];
            // Only a batch that was divided and then refused for now may come later than it should.
            Assert.InRange(numbers.Zip(numbers.Skip(1)).Count(static pair => pair.First > pair.Second), 0, 5);
        }
    }
}
