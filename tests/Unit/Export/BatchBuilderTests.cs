using System.Buffers;
using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Export;

public sealed class BatchBuilderTests
{
    [Fact]
    public void A_full_batch_is_handed_on_at_once_and_never_larger_than_asked()
    {
        using ExportFixture fixture = new(new ExportOptions());
        using BatchBuilder builder = new(fixture.Exporter, ExportKind.Log, maxBytes: 100, TimeSpan.FromSeconds(10));
        for (int i = 0; i < 50; i++)
        {
            Write(builder, "0123456789abcdef\n");
        }
        fixture.CheckLedger();
        fixture.Run(1);
        Assert.All(fixture.Server.Sent, static items => Assert.Equal(5, items.Length));
        Assert.Equal(9, fixture.Server.Sent.Count);
        Assert.Equal(5, fixture.HeldInAll());
        fixture.CheckLedger();
        fixture.Run(10);
        Assert.Equal(50, fixture.Server.Taken.Count);
        fixture.CheckLedger();
    }

    [Fact]
    public void What_gets_old_is_handed_on_by_the_exporter()
    {
        using ExportFixture fixture = new(new ExportOptions());
        using BatchBuilder builder = new(fixture.Exporter, ExportKind.Events, maxBytes: 1000, TimeSpan.FromSeconds(1));
        Write(builder, "a\n");
        Assert.Equal(TimeSpan.FromSeconds(1), fixture.Exporter.Step());
        fixture.Time.Advance(0.9);
        Write(builder, "b\n");
        _ = fixture.Exporter.Step();
        Assert.Empty(fixture.Server.Sent);
        fixture.Time.Advance(0.1);
        _ = fixture.Exporter.Step();
        Assert.Equal(["a", "b"], Assert.Single(fixture.Server.Sent));
    }

    [Fact]
    public void An_item_larger_than_a_batch_goes_alone_and_an_aborted_one_never_was()
    {
        using ExportFixture fixture = new(new ExportOptions());
        using BatchBuilder builder = new(fixture.Exporter, ExportKind.Log, maxBytes: 100, TimeSpan.FromSeconds(1));
        Write(builder, "first\n");
        Write(builder, new string('x', 100_000) + "\n");
        Assert.True(builder.TryBegin(out IBufferWriter<byte> writer));
        writer.Write("not wanted"u8);
        builder.Abort();
        Write(builder, "last\n");
        fixture.Run(2);
        Assert.Equal([["first"], [new string('x', 100_000)], ["last"]], fixture.Server.Sent);
        Assert.Equal(3, fixture.Exporter.Stage(ExportKind.Log).In.Value);
        fixture.CheckLedger();
    }

    [Fact]
    public void Without_room_an_item_is_counted_and_dropped_before_it_is_written()
    {
        using ExportFixture fixture = new(new ExportOptions { MemoryBytes = 1000 });
        fixture.Server.Answer = ScriptedTransport.Away;
        using BatchBuilder builder = new(fixture.Exporter, ExportKind.Log, maxBytes: 500, TimeSpan.FromSeconds(1));
        fixture.Add(ExportKind.Aggregates, itemBytes: 900);
        Assert.False(builder.TryBegin(out _));
        Assert.Equal(1, fixture.Dropped(ExportKind.Log, "queue_full"));
        fixture.CheckLedger();
    }

    [Fact]
    public void The_oldest_time_of_a_batch_is_told()
    {
        using ExportFixture fixture = new(new ExportOptions());
        using BatchBuilder builder = new(fixture.Exporter, ExportKind.Log, maxBytes: 100, TimeSpan.FromSeconds(1));
        List<long> oldest = [];
        fixture.Server.Answer = batch =>
        {
            oldest.Add(batch.OldestNs);
            return ExportResult.Accepted;
        };
        Write(builder, "a\n", 30);
        Write(builder, "b\n", 10);
        Write(builder, "c\n", 20);
        builder.Flush();
        Write(builder, "d\n", 40);
        builder.Flush();
        fixture.Run(1);
        Assert.Equal([10, 40], oldest);
    }

    [Fact]
    public void After_the_end_items_are_counted_as_dropped()
    {
        ExportFixture fixture = new(new ExportOptions());
        using BatchBuilder builder = new(fixture.Exporter, ExportKind.Log, maxBytes: 100, TimeSpan.FromSeconds(1));
        Write(builder, "a\n");
        fixture.Dispose();
        Assert.Single(fixture.Server.Taken);
        Assert.False(builder.TryBegin(out _));
        Assert.Equal(1, fixture.Dropped(ExportKind.Log, "stopped"));
        fixture.CheckLedger();
    }

    [Fact]
    public void Items_cost_no_allocation_and_buffers_are_used_again()
    {
        using ExportFixture fixture = new(new ExportOptions());
        using BatchBuilder builder = new(fixture.Exporter, ExportKind.Log, maxBytes: 4096, TimeSpan.FromSeconds(1));
        void Round(int items)
        {
            for (int i = 0; i < items; i++)
            {
                Write(builder, "0123456789abcdef\n"u8);
            }
        }
        Round(200);
        AllocationRounds rounds = new();
        while (rounds.Next())
        {
            Round(20);
        }
        Assert.Equal(0, rounds.Least);
        builder.Flush();
        fixture.Server.AnswerLater = static (_, _) => Task.FromResult(ExportResult.Accepted);
        _ = fixture.Exporter.Step();

        Round(100);
        byte[] first = BytesOf(fixture, builder);
        Round(100);
        byte[] second = BytesOf(fixture, builder);
        Assert.Same(first, second);
    }

    [Fact]
    public void A_buffer_that_the_transport_may_still_read_is_not_used_again()
    {
        using ExportFixture fixture = new(new ExportOptions());
        using BatchBuilder builder = new(fixture.Exporter, ExportKind.Log, maxBytes: 4096, TimeSpan.FromSeconds(1));
        List<ReadOnlyMemory<byte>> seen = [];
        fixture.Server.Answer = batch =>
        {
            seen.Add(batch.Payload);
            return seen.Count == 1 ? ScriptedTransport.Away(batch) : ExportResult.Accepted;
        };
        Write(builder, "a\n");
        builder.Flush();
        fixture.Run(3);
        for (int i = 0; i < 5; i++)
        {
            Write(builder, "b\n");
            builder.Flush();
            fixture.Run(1);
        }
        Assert.Equal("a\n", Encoding.UTF8.GetString(seen[0].Span));
    }

    [Fact]
    public void Many_threads_may_write()
    {
        using ExportFixture fixture = new(new ExportOptions());
        using BatchBuilder builder = new(fixture.Exporter, ExportKind.Log, maxBytes: 512, TimeSpan.FromSeconds(1));
        Parallel.For(0, 4, thread =>
        {
            for (int i = 0; i < 2000; i++)
            {
                Write(builder, string.Create(CultureInfo.InvariantCulture, $"{thread} {i}\n"));
            }
        });
        fixture.CheckLedger();
        fixture.Run(2);
        Assert.Equal(8000, fixture.Server.Taken.Distinct().Count());
        fixture.CheckLedger();
    }

    private static byte[] BytesOf(ExportFixture fixture, BatchBuilder builder)
    {
        byte[]? bytes = null;
        fixture.Server.Answer = batch =>
        {
            Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(batch.Payload, out ArraySegment<byte> segment));
            bytes = segment.Array;
            return ExportResult.Accepted;
        };
        fixture.Server.AnswerLater = null;
        builder.Flush();
        _ = fixture.Exporter.Step();
        return bytes!;
    }

    private static void Write(BatchBuilder builder, string item, long timeNs = 1) => Write(builder, Encoding.UTF8.GetBytes(item), timeNs);

    private static void Write(BatchBuilder builder, ReadOnlySpan<byte> item, long timeNs = 1)
    {
        Assert.True(builder.TryBegin(out IBufferWriter<byte> writer));
        writer.Write(item);
        builder.End(timeNs);
    }
}
