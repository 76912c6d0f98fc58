using KubeBpfBox.Core.Export;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Export;

/// <summary>What an exporter does with a disk.</summary>
public sealed class SpoolTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private ExportOptions Options => new() { SpoolPath = _directory.File("spool"), SpoolBytesPerSecond = 1 << 30 };

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_a_server_does_not_take_waits_on_disk_and_arrives_in_order()
    {
        using ExportFixture fixture = new(Options);
        fixture.Server.Answer = ScriptedTransport.Away;
        for (int i = 0; i < 10; i++)
        {
            fixture.Add(ExportKind.Log, 10);
            fixture.Add(ExportKind.Aggregates, 2);
            fixture.Add(ExportKind.Events);
            fixture.Run(1);
        }
        Assert.Equal(130, fixture.HeldInAll());
        fixture.CheckLedger();
        Assert.Contains(Options.SpoolPath!, Assert.Single(fixture.Warnings), StringComparison.Ordinal);
        Assert.Contains("wait on disk", fixture.Exporter.Trouble, StringComparison.Ordinal);

        fixture.Server.Answer = static _ => ExportResult.Accepted;
        fixture.Run(31);
        Assert.Equal(130, fixture.Server.Taken.Count);
        Assert.Equal(["Aggregates", "Events", "Log"], fixture.Server.Taken.Select(static item => item.Split(' ')[0]).Distinct()); // the most important first
        Assert.All(fixture.Server.Taken.GroupBy(static item => item[0]), static kind => Assert.Equal(kind.OrderBy(NumberOf), kind));
        Assert.Equal(0, fixture.HeldInAll());
        Assert.Equal(["lock"], Files());
        Assert.Null(fixture.Exporter.Trouble);
        fixture.CheckLedger();
    }

    [Fact]
    public void It_survives_a_restart_and_what_was_sent_is_not_sent_again()
    {
        ManualTime time = new();
        ScriptedTransport server = new() { Answer = ScriptedTransport.Away };
        int last;
        using (ExportFixture first = new(Options, time, server))
        {
            for (int i = 0; i < 20; i++)
            {
                first.Add(ExportKind.Log, 5);
                first.Add(ExportKind.Aggregates, 1);
            }
            first.Run(1);
            int takenBatches = 0;
            server.Answer = batch => takenBatches++ < 25 ? ExportResult.Accepted : ScriptedTransport.Away(batch);
            first.Run(40);
            last = first.LastItem;
            Assert.InRange(server.Taken.Count, 1, 119);
        }
        using ExportFixture second = new(Options, time, server, last);
        server.Answer = static _ => ExportResult.Accepted;
        second.Run(5);
        Assert.Equal(120, server.Taken.Count);
        Assert.Equal(120, server.Taken.Distinct().Count());
        long recovered = second.Ledger.Notes.Single(static note => note.Name == "test_recovered_items").Counter.Value;
        Assert.Equal(recovered, second.Ledger.Stages.Sum(static stage => stage.In.Value));
        Assert.Equal(recovered, second.Ledger.Stages.Sum(static stage => stage.Out.Value));
        Assert.InRange(recovered, 1, 119);
        second.CheckLedger();
    }

    [Fact]
    public void Dispose_keeps_the_rest_on_disk_and_counts_it_as_held()
    {
        ExportFixture first = new(Options);
        first.Server.Answer = ScriptedTransport.Away;
        first.Add(ExportKind.Log, 3);
        first.Dispose();
        Assert.Equal(3, first.HeldInAll());
        Assert.Equal(0, first.DroppedInAll());
        first.CheckLedger();
        using ExportFixture second = new(Options);
        second.Run(1);
        Assert.Equal(["Log 1", "Log 2", "Log 3"], second.Server.Taken);
    }

    [Fact]
    public void Over_the_budget_the_oldest_requests_go_first_and_aggregates_last()
    {
        ExportOptions options = Options with { SpoolMaxBytes = 512 << 10 };
        using ExportFixture fixture = new(options);
        fixture.Server.Answer = ScriptedTransport.Away;
        long mostBytes = 0;
        for (int i = 0; i < 60; i++)
        {
            fixture.Add(ExportKind.Log, 10, itemBytes: 2000);
            fixture.Run(1);
            mostBytes = Math.Max(mostBytes, BytesOnDisk());
        }
        Assert.InRange(mostBytes, 400 << 10, 512 << 10);
        Assert.InRange(fixture.Dropped(ExportKind.Log, "spool_full"), 1, 599);
        fixture.CheckLedger();
        for (int i = 0; i < 60; i++)
        {
            fixture.Add(ExportKind.Aggregates, 10, itemBytes: 2000);
            fixture.Add(ExportKind.Events, 1, itemBytes: 2000);
            fixture.Run(1);
            mostBytes = Math.Max(mostBytes, BytesOnDisk());
        }
        Assert.Equal(600, fixture.Dropped(ExportKind.Log, "spool_full"));
        Assert.InRange(fixture.Dropped(ExportKind.Events, "spool_full"), 30, 60);
        Assert.InRange(fixture.Dropped(ExportKind.Aggregates, "spool_full"), 1, 599);
        Assert.InRange(mostBytes, 400 << 10, 512 << 10);
        fixture.CheckLedger();

        fixture.Add(ExportKind.Log, 1, itemBytes: 60_000); // nothing lesser is there to make room
        fixture.Run(1);
        Assert.Equal(601, fixture.Dropped(ExportKind.Log, "spool_full"));
        fixture.Server.Answer = static _ => ExportResult.Accepted;
        fixture.Run(60);
        Assert.Equal(Enumerable.Range(0, fixture.Server.Taken.Count(static item => item[0] == 'A')).Count(), 600 - (int)fixture.Dropped(ExportKind.Aggregates, "spool_full"));
        Assert.Equal(0, fixture.HeldInAll());
        fixture.CheckLedger();
    }

    [Fact]
    public void A_budget_that_shrank_is_kept_from_the_start()
    {
        ManualTime time = new();
        using (ExportFixture first = new(Options, time))
        {
            first.Server.Answer = ScriptedTransport.Away;
            for (int i = 0; i < 50; i++)
            {
                first.Add(ExportKind.Log, 10, itemBytes: 40_000);
                first.Run(0.25);
            }
        }
        Assert.True(BytesOnDisk() > 5 << 20);
        using ExportFixture second = new(Options with { SpoolMaxBytes = 5 << 20 }, time);
        second.Server.Answer = ScriptedTransport.Away;
        second.Run(1);
        Assert.InRange(BytesOnDisk(), 1, 5 << 20);
        Assert.InRange(second.Dropped(ExportKind.Log, "spool_full"), 1, 499);
        second.CheckLedger();
    }

    [Fact]
    public void What_is_too_old_is_given_up()
    {
        using ExportFixture fixture = new(Options with { SpoolMaxAge = TimeSpan.FromHours(1) });
        fixture.Server.Answer = ScriptedTransport.Away;
        fixture.Add(ExportKind.Log, 3);
        fixture.Run(1);
        fixture.Time.Advance(1800);
        fixture.Add(ExportKind.Log, 4);
        fixture.Run(1);
        fixture.Time.Advance(1800);
        fixture.Run(1);
        Assert.Equal(3, fixture.Dropped(ExportKind.Log, "spool_expired"));
        Assert.Equal(4, fixture.HeldInAll());
        fixture.CheckLedger();
        fixture.Time.Advance(1801);
        fixture.Run(1);
        Assert.Equal(7, fixture.Dropped(ExportKind.Log, "spool_expired"));
        Assert.Equal(["lock"], Files());
        fixture.CheckLedger();
    }

    [Fact]
    public void The_spool_is_sent_at_a_bounded_rate_beside_what_is_new()
    {
        using ExportFixture fixture = new(Options with { SpoolBytesPerSecond = 10_000 });
        fixture.Server.Answer = ScriptedTransport.Away;
        for (int i = 0; i < 100; i++)
        {
            fixture.Add(ExportKind.Log, 1, itemBytes: 4000); // some 2 KB on disk: the noise is hexadecimal
        }
        fixture.Run(1);
        long onDisk = BytesOnDisk();
        fixture.Server.Answer = static _ => ExportResult.Accepted;
        fixture.Run(2); // the pause after the failure
        fixture.Server.Sent.Clear();
        double start = fixture.Time.NowMs / 1000.0;
        int added = 0;
        while (fixture.HeldInAll() > 0)
        {
            Assert.True(fixture.Add(ExportKind.Events));
            added++;
            _ = fixture.Exporter.Step();
            Assert.Contains(fixture.Server.Sent, items => items[0] == $"Events {fixture.LastItem}"); // never waits behind old ones
            fixture.Time.Advance(0.1);
        }
        double seconds = (fixture.Time.NowMs / 1000.0) - start;
        Assert.InRange(seconds, (onDisk / 10_000.0) - 4, (onDisk / 10_000.0) + 2);
        fixture.CheckLedger();
    }

    [Fact]
    public void A_saturated_server_still_gets_what_waits_on_disk()
    {
        using ExportFixture fixture = new(Options);
        fixture.Server.Answer = ScriptedTransport.Away;
        for (int i = 0; i < 20; i++)
        {
            fixture.Add(ExportKind.Log, 1);
        }
        fixture.Run(1);
        int sent = 0;
        fixture.Server.Answer = batch =>
        {
            // There is always another new one when the server is done with one.
            if (sent++ < 200)
            {
                fixture.Add(ExportKind.Events);
            }
            return ExportResult.Accepted;
        };
        fixture.Add(ExportKind.Events);
        fixture.Time.Advance(2);
        _ = fixture.Exporter.Step();
        int lastOld = fixture.Server.Taken.FindLastIndex(static item => item.StartsWith("Log", StringComparison.Ordinal));
        Assert.InRange(lastOld, 20, 60);
        fixture.CheckLedger();
    }

    [Fact]
    public void A_spooled_batch_that_the_server_never_takes_holds_up_neither_new_ones_nor_the_spool()
    {
        using ExportFixture fixture = new(Options);
        fixture.Server.Answer = ScriptedTransport.Away;
        for (int i = 0; i < 5; i++)
        {
            fixture.Add(ExportKind.Log, 1);
        }
        fixture.Run(1);
        fixture.Server.Answer = static batch => ScriptedTransport.ItemsOf(batch)[0] == "Log 1" ? ScriptedTransport.Away(batch) : ExportResult.Accepted;
        for (int i = 0; i < 200; i++)
        {
            fixture.Add(ExportKind.Events);
            fixture.Run(1);
        }
        Assert.DoesNotContain("Log 1", fixture.Server.Taken);
        Assert.Equal(["Log 2", "Log 3", "Log 4", "Log 5"], fixture.Server.Taken.Where(static item => item[0] == 'L'));
        Assert.InRange(fixture.Server.Taken.Count(static item => item[0] == 'E'), 199, 200);
        Assert.InRange(fixture.Server.Sent.Count(static items => items[0] == "Log 1"), 5, 40);
        Assert.InRange(fixture.Warnings.Count, 1, 6);
        Assert.Equal(1, fixture.HeldInAll() - fixture.Exporter.Stage(ExportKind.Events).Held!());
        fixture.CheckLedger();
    }

    [Fact]
    public void Pieces_of_a_divided_batch_survive_an_outage_in_the_middle()
    {
        ManualTime time = new();
        ScriptedTransport server = new();
        int requests = 0;
        bool isBack = false;
        server.Answer = batch => isBack ? ExportResult.Accepted
            : batch.Items > 2 ? new ExportResult(ExportStatus.TooLarge) : requests++ < 2 ? ExportResult.Accepted : ScriptedTransport.Away(batch);
        using (ExportFixture first = new(Options, time, server))
        {
            first.Add(ExportKind.Log, 16, itemBytes: 100);
            first.Run(3);
            Assert.Equal(4, server.Taken.Count);
            Assert.Equal(12, first.HeldInAll());
            first.CheckLedger();
        }
        using ExportFixture second = new(Options, time, server);
        isBack = true;
        second.Run(3);
        Assert.Equal(16, server.Taken.Distinct().Count());
        Assert.Equal(16, server.Taken.Count);
        second.CheckLedger();
    }

    [Fact]
    public void While_the_server_hangs_batches_go_to_disk_in_order()
    {
        using ExportFixture fixture = new(Options with { MemoryBytes = 100_000 });
        TaskCompletionSource<ExportResult> hanging = new(TaskCreationOptions.RunContinuationsAsynchronously);
        fixture.Server.AnswerLater = (_, _) => hanging.Task;
        for (int i = 0; i < 40; i++)
        {
            fixture.Add(ExportKind.Log, 1, itemBytes: 20_000);
            _ = fixture.Exporter.Step();
        }
        Assert.Single(fixture.Server.Sent);
        Assert.Equal(0, fixture.DroppedInAll());
        Assert.Equal(40, fixture.HeldInAll());
        fixture.CheckLedger();
        hanging.SetResult(new ExportResult(ExportStatus.Retry, "timeout"));
        fixture.Server.AnswerLater = null;
        Assert.True(SpinWait.SpinUntil(() => { fixture.Run(1); return fixture.HeldInAll() == 0; }, TimeSpan.FromSeconds(10)));
        int[] numbers = [.. fixture.Server.Taken.Select(NumberOf)];
        Assert.Equal(Enumerable.Range(1, 40), numbers);
        fixture.CheckLedger();
    }

    [Fact]
    public void The_batch_that_was_under_way_when_others_went_to_disk_is_not_sent_twice()
    {
        using ExportFixture fixture = new(Options with { MemoryBytes = 100_000 });
        TaskCompletionSource<ExportResult> hanging = new(TaskCreationOptions.RunContinuationsAsynchronously);
        fixture.Server.AnswerLater = (_, _) => hanging.Task;
        for (int i = 0; i < 10; i++)
        {
            fixture.Add(ExportKind.Log, 1, itemBytes: 20_000);
            _ = fixture.Exporter.Step();
        }
        hanging.SetResult(ExportResult.Accepted);
        fixture.Server.AnswerLater = null;
        Assert.True(SpinWait.SpinUntil(() => { fixture.Run(1); return fixture.HeldInAll() == 0; }, TimeSpan.FromSeconds(10)));
        Assert.Equal(10, fixture.Server.Taken.Count);
        Assert.Equal(10, fixture.Server.Taken.Distinct().Count());
        Assert.Equal(["lock"], Files());
        fixture.CheckLedger();
    }

    [Fact]
    public void A_second_exporter_on_the_same_directory_is_refused_and_takes_over_when_the_first_one_ends()
    {
        ManualTime time = new();
        ExportFixture first = new(Options, time);
        first.Run(1);
        using ExportFixture second = new(Options, time);
        second.Run(1);
        Assert.Contains("another process works with this directory", second.Exporter.Trouble, StringComparison.Ordinal);
        Assert.Single(second.Warnings);
        second.Server.Answer = ScriptedTransport.Away;
        second.Add(ExportKind.Log, 5);
        second.Run(1);
        Assert.Equal(5, second.HeldInAll()); // in memory
        first.Dispose();
        second.Run(11);
        Assert.Contains(Files(), static name => name.StartsWith("log-", StringComparison.Ordinal));
        Assert.Single(second.Informs);
        second.CheckLedger();
    }

    [Fact]
    public void A_disk_that_fails_is_told_once_and_used_again_when_it_works()
    {
        using ExportFixture fixture = new(Options with { MemoryBytes = 20_000 });
        fixture.Server.Answer = ScriptedTransport.Away;
        fixture.Run(1);
        Directory.Move(Options.SpoolPath!, _directory.File("away"));
        for (int i = 0; i < 40; i++)
        {
            fixture.Add(ExportKind.Log, 1, itemBytes: 1000);
            fixture.Run(1);
        }
        Assert.InRange(fixture.Dropped(ExportKind.Log, "spool_failed"), 10, 39);
        Assert.Equal(0, fixture.Dropped(ExportKind.Log, "queue_full"));
        Assert.Single(fixture.Warnings, static text => text.Contains("spool", StringComparison.Ordinal) && text.Contains("held in memory meanwhile", StringComparison.Ordinal));
        Assert.Contains("cannot be used", fixture.Exporter.Trouble, StringComparison.Ordinal);
        fixture.CheckLedger();
        Directory.Move(_directory.File("away"), Options.SpoolPath!);
        fixture.Run(11);
        Assert.Contains(fixture.Informs, static text => text.Contains("can be used again", StringComparison.Ordinal));
        Assert.DoesNotContain("cannot be used", fixture.Exporter.Trouble, StringComparison.Ordinal);
        Assert.Contains(Files(), static name => name.StartsWith("log-", StringComparison.Ordinal));
        fixture.Server.Answer = static _ => ExportResult.Accepted;
        fixture.Run(31);
        Assert.Equal(40 - (int)fixture.DroppedInAll(), fixture.Server.Taken.Count);
        fixture.CheckLedger();
    }

    [Fact]
    public void A_directory_that_cannot_be_made_does_not_stop_the_exporter()
    {
        File.WriteAllText(_directory.File("file"), "");
        using ExportFixture fixture = new(Options with { SpoolPath = _directory.File("file/spool") });
        fixture.Add(ExportKind.Log);
        fixture.Run(1);
        Assert.Single(fixture.Server.Taken);
        Assert.Contains("spool.path", fixture.Exporter.Trouble, StringComparison.Ordinal);
        File.Delete(_directory.File("file"));
        fixture.Run(11);
        Assert.Null(fixture.Exporter.Trouble);
        Assert.True(File.Exists(_directory.File("file/spool/lock")));
    }

    [Fact]
    public void A_full_disk_loses_only_what_memory_cannot_hold()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "a small file system is mounted: needs root");
        string mounted = _directory.File("small");
        Directory.CreateDirectory(mounted);
        Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mounted);
        try
        {
            using ExportFixture fixture = new(Options with { SpoolPath = Path.Combine(mounted, "spool"), MemoryBytes = 100_000 });
            fixture.Server.Answer = ScriptedTransport.Away;
            for (int i = 0; i < 60; i++)
            {
                fixture.Add(ExportKind.Log, 1, itemBytes: 10_000);
                fixture.Run(1);
            }
            Assert.Contains("No space left on device", fixture.Exporter.Trouble, StringComparison.Ordinal);
            Assert.InRange(fixture.Dropped(ExportKind.Log, "spool_failed"), 1, 30);
            fixture.CheckLedger();
            fixture.Server.Answer = static _ => ExportResult.Accepted;
            fixture.Run(60);
            Assert.Equal(60, fixture.Server.Taken.Count + fixture.DroppedInAll());
            Assert.Equal(0, fixture.HeldInAll());
            Assert.Null(fixture.Exporter.Trouble);
            fixture.CheckLedger();
        }
        finally
        {
            Run("umount", mounted);
        }
    }

    [Fact]
    public void A_file_that_somebody_deleted_costs_only_what_was_in_it()
    {
        using (ExportFixture first = new(Options))
        {
            first.Server.Answer = ScriptedTransport.Away;
            first.Add(ExportKind.Log, 3);
            first.Add(ExportKind.Events, 2);
            first.Run(1);
        }
        using ExportFixture second = new(Options);
        second.Server.Answer = ScriptedTransport.Away;
        second.Run(0);
        File.Delete(Directory.GetFiles(Options.SpoolPath!, "events-*").Single());
        second.Server.Answer = static _ => ExportResult.Accepted;
        second.Run(31);
        Assert.InRange(second.Server.Taken.Count(static item => item[0] == 'L'), 3, 3);
        Assert.Equal(5, second.Server.Taken.Count + second.DroppedInAll());
        second.CheckLedger();
    }

    [Fact]
    public void Only_the_owner_may_read_it()
    {
        Directory.CreateDirectory(Options.SpoolPath!, (UnixFileMode)0b111_111_111);
        using ExportFixture fixture = new(Options);
        fixture.Server.Answer = ScriptedTransport.Away;
        fixture.Add(ExportKind.Log);
        fixture.Run(1);
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(Options.SpoolPath!));
        Assert.Equal(2, Files().Length);
        Assert.All(Files(), name => Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(Path.Combine(Options.SpoolPath!, name))));
    }

    [Fact]
    public void A_record_that_the_disk_changed_is_given_up_alone()
    {
        using ExportFixture fixture = new(Options);
        fixture.Server.Answer = ScriptedTransport.Away;
        for (int i = 0; i < 3; i++)
        {
            fixture.Add(ExportKind.Log, 1, itemBytes: 500);
        }
        fixture.Run(0.25);
        string file = Path.Combine(Options.SpoolPath!, Files().Single(static name => name.StartsWith("log-", StringComparison.Ordinal)));
        using (FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            long second = SpoolSegment.HeadBytes + ((stream.Length - SpoolSegment.HeadBytes) / 3);
            stream.Position = second + SpoolRecord.HeadBytes + 50;
            stream.Write("damage"u8);
        }
        fixture.Server.Answer = static _ => ExportResult.Accepted;
        fixture.Run(5);
        Assert.Equal([1, 3], fixture.Server.Taken.Select(NumberOf));
        Assert.Equal(1, fixture.Dropped(ExportKind.Log, "spool_failed"));
        fixture.CheckLedger();
    }

    private static int NumberOf(string item) => int.Parse(item.Split(' ')[1]);

    private static void Run(string program, params string[] arguments)
    {
        using System.Diagnostics.Process process = System.Diagnostics.Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private string[] Files() => [.. Directory.GetFiles(Options.SpoolPath!).Select(static path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    private long BytesOnDisk() => new DirectoryInfo(Options.SpoolPath!).GetFiles().Sum(static file => file.Length);
}
