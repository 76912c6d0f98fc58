using System.Text;
using System.Text.Json;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Sinks.JsonLog;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.JsonLog;

public sealed class JsonLogSinkTests : IDisposable
{
    private readonly Ledger _ledger = new();
    private readonly ListLogger _logger = new();
    private readonly Lines _output = new();

    public void Dispose() => _output.Dispose();

    [Fact]
    public void Requests_and_events_are_lines_of_json()
    {
        using JsonLogSink sink = Make(new JsonLogSinkOptions());
        sink.OnTransaction(TestTransactions.Make(status: 404));
        sink.OnEvent(TestEvents.Kill(1, "p"));
        sink.RunOnce();
        JsonElement[] lines = [.. _output.All.Select(static line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal((404, "oomkill"), (lines[0].GetProperty("status").GetInt32(), lines[1].GetProperty("event").GetString()));
        Assert.Equal((1, 1), (Stage("log").Out.Value, Stage("events").Out.Value));
        AssertIdentity();
    }

    [Theory]
    [InlineData(ExportedUrl.Path, "/users/17")]
    [InlineData(ExportedUrl.Full, "/users/17?token=secret")]
    [InlineData(ExportedUrl.Route, "/users/{id}")]
    public void Only_as_much_of_the_target_is_written_as_is_wanted(ExportedUrl url, string expected)
    {
        using JsonLogSink sink = Make(new JsonLogSinkOptions { Url = url });
        sink.OnTransaction(TestTransactions.Make(target: "/users/17?token=secret"));
        sink.RunOnce();
        Assert.Equal(expected, JsonDocument.Parse(Assert.Single(_output.All)).RootElement.GetProperty("target").GetString());
    }

    [Theory]
    [InlineData(LoggedRequests.All, 2)]
    [InlineData(LoggedRequests.Errors, 1)]
    [InlineData(LoggedRequests.None, 0)]
    public void Requests_are_chosen(LoggedRequests log, int expected)
    {
        using JsonLogSink sink = Make(new JsonLogSinkOptions { RequestLog = log });
        sink.OnTransaction(TestTransactions.Make(status: 200));
        sink.OnTransaction(TestTransactions.Make(status: 500));
        sink.RunOnce();
        Assert.Equal(expected, _output.All.Count);
    }

    [Fact]
    public void What_does_not_fit_and_what_cannot_be_written_is_counted_and_memory_stays()
    {
        using JsonLogSink sink = Make(new JsonLogSinkOptions { BufferBytes = 64 << 10 });
        for (int i = 0; i < 1000; i++)
        {
            sink.OnTransaction(TestTransactions.Make());
        }
        long waiting = Stage("log").Held!();
        Assert.InRange(waiting, 10, 500);
        Assert.Equal(1000 - waiting, Dropped("queue_full"));

        _output.Trouble = "the disk is full";
        sink.RunOnce();
        Assert.Equal(waiting, Dropped("write_failed"));
        Assert.Equal("the disk is full", sink.Trouble);
        _output.Trouble = null;
        sink.OnTransaction(TestTransactions.Make());
        sink.RunOnce();
        Assert.Null(sink.Trouble);
        Assert.Single(_output.All);
        Assert.Equal(2, _logger.Messages.Count);
        AssertIdentity();
    }

    [Fact]
    public void A_line_allocates_nothing()
    {
        using JsonLogSink sink = Make(new JsonLogSinkOptions());
        Transaction transaction = TestTransactions.Make();
        AllocationRounds rounds = new();
        while (rounds.Next())
        {
            for (int i = 0; i < 100; i++)
            {
                sink.OnTransaction(in transaction);
            }
        }
        Assert.Equal(0, rounds.Least);
    }

    [Fact]
    public void Stopping_writes_what_waits()
    {
        using (JsonLogSink sink = Make(new JsonLogSinkOptions()))
        {
            sink.Start();
            sink.OnTransaction(TestTransactions.Make());
        }
        Assert.Single(_output.All);
        Assert.True(_output.IsDisposed);
    }

    private JsonLogSink Make(JsonLogSinkOptions options) => new(options, _ledger, _logger, _output);

    private LedgerStage Stage(string name) => _ledger.Stages.Single(stage => stage.Name == "jsonlog_" + name);

    private long Dropped(string reason) => Stage("log").Dropped.Single(pair => pair.Key == reason).Value.Value;

    private void AssertIdentity() => Assert.All(_ledger.Stages, static stage => Assert.Equal(0, stage.Unaccounted));

    private sealed class Lines : ILineOutput
    {
        public List<string> All { get; } = [];

        public string? Trouble { get; set; }

        public bool IsDisposed { get; private set; }

        public string Name => "lines";

        public bool TryWrite(ReadOnlySpan<byte> lines, out string? trouble)
        {
            trouble = Trouble;
            if (trouble is null)
            {
                All.AddRange(Encoding.UTF8.GetString(lines).Split('\n', StringSplitOptions.RemoveEmptyEntries));
            }
            return trouble is null;
        }

        public void Dispose() => IsDisposed = true;
    }
}
