using KubeBpfBox.Core.Export;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Export;

/// <summary>What an exporter does without a disk.</summary>
public sealed class ExporterTests
{
    private static ExportOptions InMemory => new() { SpoolPath = null };

    [Fact]
    public void Batches_arrive_in_order_and_are_counted()
    {
        using ExportFixture fixture = new(InMemory);
        Assert.True(fixture.Add(ExportKind.Log, 3));
        Assert.True(fixture.Add(ExportKind.Log, 2));
        fixture.Run(0.25);
        Assert.Equal(["Log 1", "Log 2", "Log 3", "Log 4", "Log 5"], fixture.Server.Taken);
        Assert.Equal(5, fixture.Exporter.Stage(ExportKind.Log).Out.Value);
        Assert.Equal("test_log", fixture.Exporter.Stage(ExportKind.Log).Name);
        Assert.Equal("test_events", fixture.Exporter.Stage(ExportKind.Events).Name);
        Assert.Equal("test_red", fixture.Exporter.Stage(ExportKind.Aggregates).Name);
        Assert.Null(fixture.Exporter.Trouble);
        fixture.CheckLedger();
    }

    [Fact]
    public void A_server_that_is_away_is_asked_again_after_growing_pauses()
    {
        using ExportFixture fixture = new(InMemory);
        List<double> at = [];
        fixture.Server.Answer = batch =>
        {
            at.Add(fixture.Time.NowMs / 1000.0);
            return ScriptedTransport.Away(batch);
        };
        fixture.Add(ExportKind.Log);
        fixture.Run(200, 0.05);
        double[] pauses = [.. at.Zip(at.Skip(1), static (a, b) => b - a)];
        double[] limits = [1, 2, 4, 8, 16, 30, 30];
        for (int i = 0; i < limits.Length; i++)
        {
            Assert.InRange(pauses[i], limits[i] / 2, limits[i] + 0.06);
        }
        Assert.Contains(pauses, static pause => pause != Math.Round(pause)); // chance
        Assert.Contains("connection refused", Assert.Single(fixture.Warnings), StringComparison.Ordinal);
        Assert.Contains("http://test:1", fixture.Exporter.Trouble, StringComparison.Ordinal);
        fixture.CheckLedger();

        fixture.Server.Answer = static _ => ExportResult.Accepted;
        fixture.Run(31);
        Assert.Equal(["Log 1"], fixture.Server.Taken);
        Assert.Null(fixture.Exporter.Trouble);
        Assert.Single(fixture.Informs);
        fixture.CheckLedger();
    }

    [Theory]
    [InlineData(60, 60, 62)]
    [InlineData(0, 0.5, 1.2)]
    [InlineData(1_000_000, 3600, 3620)]
    public void Retry_after_is_honoured(double asked, double least, double most)
    {
        using ExportFixture fixture = new(InMemory);
        List<double> at = [];
        fixture.Server.Answer = _ =>
        {
            at.Add(fixture.Time.NowMs / 1000.0);
            return at.Count == 1 ? new ExportResult(ExportStatus.Retry, "overloaded", TimeSpan.FromSeconds(asked)) : ExportResult.Accepted;
        };
        fixture.Add(ExportKind.Log);
        fixture.Run(0.25);
        fixture.Add(ExportKind.Aggregates); // nor may anything else be sent meanwhile
        fixture.Run(most, 0.1);
        Assert.InRange(at[1] - at[0], least, most);
    }

    [Fact]
    public void A_step_says_when_the_next_thing_is_due()
    {
        using ExportFixture fixture = new(InMemory);
        Assert.Equal(Timeout.InfiniteTimeSpan, fixture.Exporter.Step());
        fixture.Server.Answer = ScriptedTransport.Away;
        fixture.Add(ExportKind.Log);
        TimeSpan wait = fixture.Exporter.Step();
        Assert.InRange(wait.TotalSeconds, 0.5, 1);
        fixture.Time.Advance(wait.TotalSeconds + 0.001); // the clock counts in whole ticks
        fixture.Server.Answer = static _ => ExportResult.Accepted;
        _ = fixture.Exporter.Step();
        Assert.Single(fixture.Server.Taken);
    }

    [Fact]
    public void Without_room_the_oldest_requests_go_first_and_aggregates_last()
    {
        using ExportFixture fixture = new(InMemory with { MemoryBytes = 10_000 });
        fixture.Server.Answer = ScriptedTransport.Away;
        Assert.True(fixture.Add(ExportKind.Log, itemBytes: 3000));
        Assert.True(fixture.Add(ExportKind.Events, itemBytes: 3000));
        Assert.True(fixture.Add(ExportKind.Log, itemBytes: 3000));
        fixture.Run(0.25);
        Assert.True(fixture.Add(ExportKind.Log, itemBytes: 3000));
        Assert.Equal(1, fixture.Dropped(ExportKind.Log, "queue_full"));
        Assert.True(fixture.Add(ExportKind.Aggregates, itemBytes: 6000));
        Assert.Equal(3, fixture.Dropped(ExportKind.Log, "queue_full"));
        Assert.Equal(0, fixture.Dropped(ExportKind.Events, "queue_full"));
        Assert.False(fixture.Add(ExportKind.Log, itemBytes: 3000)); // there is no request to take the place of
        Assert.True(fixture.Add(ExportKind.Aggregates, itemBytes: 3000));
        Assert.Equal(1, fixture.Dropped(ExportKind.Events, "queue_full"));
        Assert.False(fixture.Add(ExportKind.Aggregates, itemBytes: 20_000)); // larger than all memory
        fixture.CheckLedger();
        fixture.Server.Answer = static _ => ExportResult.Accepted;
        fixture.Run(60);
        Assert.Equal(2, fixture.Server.Taken.Count);
        fixture.CheckLedger();
    }

    [Fact]
    public void A_batch_that_is_too_large_is_divided_and_the_size_remembered()
    {
        using ExportFixture fixture = new(InMemory);
        fixture.Server.Answer = static batch => batch.Items > 3 ? new ExportResult(ExportStatus.TooLarge, "413") : ExportResult.Accepted;
        fixture.Add(ExportKind.Log, 20, itemBytes: 100);
        fixture.Run(0.25);
        Assert.Equal(Enumerable.Range(1, 20), fixture.Server.Taken.Select(static item => int.Parse(item.Split(' ')[1])));
        fixture.Server.Sent.Clear();
        fixture.Add(ExportKind.Log, 20, itemBytes: 100);
        fixture.Run(0.25);
        Assert.Equal(40, fixture.Server.Taken.Count);
        Assert.DoesNotContain(fixture.Server.Sent, static items => items.Length > 5);
        fixture.CheckLedger();

        fixture.Time.Advance(3600); // somebody may have raised the limit
        fixture.Server.Sent.Clear();
        fixture.Server.Answer = static _ => ExportResult.Accepted;
        fixture.Add(ExportKind.Log, 20, itemBytes: 100);
        fixture.Run(0.25);
        Assert.Single(fixture.Server.Sent);
    }

    [Fact]
    public void One_item_that_is_too_large_is_dropped_alone()
    {
        using ExportFixture fixture = new(InMemory);
        fixture.Server.Answer = static batch => batch.Payload.Length > 1000 ? new ExportResult(ExportStatus.TooLarge, "413") : ExportResult.Accepted;
        fixture.Add(ExportKind.Events, 1, itemBytes: 5000);
        fixture.Add(ExportKind.Events, 1, itemBytes: 100);
        fixture.Run(0.25);
        Assert.Single(fixture.Server.Taken);
        Assert.Equal(1, fixture.Dropped(ExportKind.Events, "too_large"));
        fixture.CheckLedger();
    }

    [Fact]
    public void One_item_that_is_too_large_does_not_make_all_that_follow_small()
    {
        using ExportFixture fixture = new(InMemory);
        fixture.Server.Answer = static batch => ScriptedTransport.ItemsOf(batch).Contains("Log 3") ? new ExportResult(ExportStatus.TooLarge, "413") : ExportResult.Accepted;
        fixture.Add(ExportKind.Log, 64);
        fixture.Run(0.25);
        Assert.Equal(63, fixture.Server.Taken.Count);
        fixture.Server.Sent.Clear();
        fixture.Add(ExportKind.Log, 64);
        fixture.Run(0.25);
        Assert.InRange(fixture.Server.Sent.Count, 1, 4);
        fixture.CheckLedger();
    }

    [Fact]
    public void Of_a_malformed_batch_only_the_bad_item_is_dropped()
    {
        using ExportFixture fixture = new(InMemory);
        fixture.Server.Answer = static batch =>
            ScriptedTransport.ItemsOf(batch).Contains("Log 333") ? new ExportResult(ExportStatus.Malformed, "unable to parse") : ExportResult.Accepted;
        fixture.Add(ExportKind.Log, 1000);
        fixture.Run(0.25);
        Assert.Equal(999, fixture.Server.Taken.Count);
        Assert.DoesNotContain("Log 333", fixture.Server.Taken);
        Assert.InRange(fixture.Server.Sent.Count, 11, 25);
        Assert.Equal(1, fixture.Dropped(ExportKind.Log, "malformed"));
        string warning = Assert.Single(fixture.Warnings);
        Assert.Contains("unable to parse", warning, StringComparison.Ordinal);
        Assert.Contains("Log 333", warning, StringComparison.Ordinal);
        Assert.Null(fixture.Exporter.Trouble);
        fixture.CheckLedger();
    }

    [Fact]
    public void A_batch_of_nothing_but_bad_items_costs_a_bounded_number_of_requests()
    {
        using ExportFixture fixture = new(InMemory);
        fixture.Server.Answer = static _ => new ExportResult(ExportStatus.Malformed, "no");
        fixture.Add(ExportKind.Log, 5000);
        fixture.Run(0.25);
        Assert.InRange(fixture.Server.Sent.Count, 2, 150);
        Assert.Equal(5000, fixture.Dropped(ExportKind.Log, "malformed"));
        Assert.Single(fixture.Warnings);
        fixture.CheckLedger();
        fixture.Time.Advance(61);
        fixture.Add(ExportKind.Log);
        fixture.Run(0.25);
        Assert.Equal(2, fixture.Warnings.Count);
        Assert.Contains("more since the last message", fixture.Warnings[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Items_that_the_server_rejects_of_an_accepted_batch_are_counted()
    {
        using ExportFixture fixture = new(InMemory);
        fixture.Server.Answer = static _ => new ExportResult(ExportStatus.Accepted, "partial write: field type conflict", RejectedItems: 2);
        fixture.Add(ExportKind.Aggregates, 5);
        fixture.Run(0.25);
        Assert.Equal(3, fixture.Exporter.Stage(ExportKind.Aggregates).Out.Value);
        Assert.Equal(2, fixture.Dropped(ExportKind.Aggregates, "malformed"));
        Assert.Contains("field type conflict", Assert.Single(fixture.Warnings), StringComparison.Ordinal);
        fixture.CheckLedger();
    }

    [Fact]
    public void A_transport_that_throws_loses_nothing()
    {
        using ExportFixture fixture = new(InMemory);
        fixture.Server.Answer = static _ => throw new InvalidOperationException("broken");
        fixture.Add(ExportKind.Log);
        fixture.Run(0.25);
        Assert.Contains("broken", fixture.Exporter.Trouble, StringComparison.Ordinal);
        fixture.Server.Answer = static _ => ExportResult.Accepted;
        fixture.Run(2);
        Assert.Single(fixture.Server.Taken);
        fixture.CheckLedger();
    }

    [Fact]
    public void A_batch_that_is_never_taken_does_not_stand_before_the_others_for_ever()
    {
        using ExportFixture fixture = new(InMemory);
        fixture.Server.Answer = static batch => ScriptedTransport.ItemsOf(batch)[0] == "Log 1" ? ScriptedTransport.Away(batch) : ExportResult.Accepted;
        fixture.Add(ExportKind.Log);
        fixture.Add(ExportKind.Log);
        fixture.Run(200);
        Assert.Equal(["Log 2"], fixture.Server.Taken);
        fixture.CheckLedger();
    }

    [Fact]
    public void Dispose_sends_what_it_can_and_counts_the_rest()
    {
        ExportFixture fixture = new(InMemory);
        fixture.Add(ExportKind.Log);
        fixture.Dispose();
        Assert.Single(fixture.Server.Taken);
        Assert.True(fixture.Server.IsDisposed);

        ExportFixture away = new(InMemory);
        away.Server.Answer = ScriptedTransport.Away;
        away.Add(ExportKind.Log, 7);
        away.Dispose();
        Assert.Equal(7, away.Dropped(ExportKind.Log, "stopped"));
        Assert.Equal(0, away.HeldInAll());
        away.CheckLedger();
        Assert.False(away.Add(ExportKind.Log));
        away.CheckLedger();
    }

    [Fact]
    public void With_its_thread_it_sends_and_stops_while_the_server_hangs()
    {
        using TemporaryDirectory directory = new();
        using ScriptedTransport server = new();
        KubeBpfBox.Core.Accounting.Ledger ledger = new();
        ExportOptions options = new() { SpoolPath = directory.File("spool"), StopTimeout = TimeSpan.FromSeconds(0.3) };
        Exporter exporter = new("test", "lines", "lines", "lines", server, options, ledger, new ExportLog(static _ => { }, static _ => { }));
        exporter.Start();
        exporter.Stage(ExportKind.Log).In.AddShared(1);
        Assert.True(exporter.TryEnqueue(new ExportBatch(ExportKind.Log, 1, 0, "a\n"u8.ToArray())));
        Assert.True(SpinWait.SpinUntil(() => exporter.Stage(ExportKind.Log).Out.Value == 1, TimeSpan.FromSeconds(10)));

        server.AnswerLater = static async (_, cancel) =>
        {
            await Task.Delay(Timeout.Infinite, cancel);
            return ExportResult.Accepted;
        };
        exporter.Stage(ExportKind.Log).In.AddShared(1);
        Assert.True(exporter.TryEnqueue(new ExportBatch(ExportKind.Log, 1, long.MaxValue, "b\n"u8.ToArray())));
        Assert.True(SpinWait.SpinUntil(() => server.Sent.Count == 2, TimeSpan.FromSeconds(10)));
        exporter.Dispose();
        Assert.Equal(0, exporter.Stage(ExportKind.Log).Unaccounted);
        Assert.Equal(1, exporter.Stage(ExportKind.Log).Held!()); // on disk
    }
}
