using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Streams;

public sealed class StreamEngineTests
{
    [Fact]
    public void Segments_in_order_pass_straight_through_across_a_sequence_wrap()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!hello, ");
        fixture.Send(Side.A, 8, "this is behind the wrap");
        fixture.Send(Side.B, 0, "!yes", ack: 31);
        Assert.Equal("A0:!hello,  A8:this is behind the wrap B0:!yes", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void A_released_socket_ends_with_its_own_fin()
    {
        EngineFixture fixture = new(local: true);
        fixture.Send(Side.A, 0, "!a");
        fixture.Engine.Release(fixture.Connection, fixture.NowNs);
        Assert.Equal(0, fixture.ClosedCount);
        fixture.Send(Side.A, 2, "still", flags: TcpFlags.Fin);
        Assert.Equal(1, fixture.ClosedCount);
        Assert.Equal("A0:!a A2:still Aend@7 close:Finished", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void A_socket_released_after_its_fin_ends_at_once_and_one_whose_fin_was_missed_after_a_while()
    {
        EngineFixture shut = new(local: true);
        shut.Send(Side.A, 0, "!a", flags: TcpFlags.Fin);
        Assert.Equal(0, shut.ClosedCount);
        shut.Engine.Release(shut.Connection, shut.NowNs);
        Assert.Equal(1, shut.ClosedCount);

        EngineFixture missed = new(local: true);
        missed.Send(Side.A, 0, "!a");
        missed.Engine.Release(missed.Connection, missed.NowNs);
        missed.NowNs += 5_000_000_000;
        missed.Engine.Tick(missed.NowNs);
        Assert.Equal(0, missed.ClosedCount);
        missed.NowNs += 6_000_000_000;
        missed.Engine.Tick(missed.NowNs);
        Assert.Equal(1, missed.ClosedCount);
    }

    [Fact]
    public void Segments_out_of_order_wait_for_the_missing_one()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!a");
        fixture.Send(Side.A, 6, "dd");
        fixture.Send(Side.A, 4, "cc");
        Assert.Equal(4, fixture.Stage.Held!());
        fixture.AssertBalanced(atRest: false);
        fixture.Send(Side.A, 2, "bb");
        Assert.Equal("A0:!a A2:bb A4:cc A6:dd", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void Of_overlapping_bytes_the_first_received_win()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!abc");
        fixture.Send(Side.A, 2, "XXde");
        fixture.Send(Side.A, 0, "!XXX");
        fixture.Send(Side.A, 10, "kl");
        fixture.Send(Side.A, 8, "ijYY");
        fixture.Send(Side.A, 6, "gh");
        Assert.Equal("A0:!abc A4:de A6:gh A8:ijYY", fixture.Log);
        Assert.Equal(2 + 4 + 2, fixture.Dropped("duplicate"));
        fixture.AssertBalanced();
    }

    [Fact]
    public void A_hole_that_the_receiver_acknowledges_is_a_gap()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!a");
        fixture.Send(Side.A, 10, "later");
        fixture.Send(Side.B, 0, "!answer", ack: 15);
        Assert.Equal("A0:!a Agap8@10 A10:later B0:!answer", fixture.Log);
        Assert.Equal(8, fixture.Engine.LostBytes.Value);
        Assert.Equal(1, fixture.Engine.Gaps.Value);
        fixture.AssertBalanced();
    }

    [Fact]
    public void A_hole_is_given_up_after_the_reorder_timeout()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!a");
        fixture.Send(Side.A, 4, "x");
        fixture.NowNs += 1_000_000_000;
        fixture.Engine.Tick(fixture.NowNs);
        Assert.Equal("A0:!a", fixture.Log);
        fixture.NowNs += 1_500_000_000;
        fixture.Engine.Tick(fixture.NowNs);
        Assert.Equal("A0:!a Agap2@4 A4:x", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void On_a_local_socket_what_leaves_is_in_order_so_a_hole_is_a_gap_at_once()
    {
        EngineFixture fixture = new(local: true);
        fixture.Send(Side.A, 0, "!a");
        fixture.Send(Side.A, 5, "x");
        Assert.Equal("A0:!a Agap3@5 A5:x", fixture.Log);
    }

    [Fact]
    public void The_reorder_buffer_is_bounded_by_segments_and_by_the_byte_budget()
    {
        EngineFixture few = new(new StreamOptions { MaxReorderSegments = 3 });
        few.Send(Side.A, 0, "!a");
        for (int i = 0; i < 5; i++)
        {
            few.Send(Side.A, 10 + i * 2, "xx");
        }
        Assert.Equal("A0:!a Agap8@10 A10:xx A12:xx A14:xx A16:xx A18:xx", few.Log);
        few.AssertBalanced();

        EngineFixture poor = new(new StreamOptions { MaxBytes = 512 });
        poor.Send(Side.A, 0, "!a");
        poor.Send(Side.A, 100, "first");
        poor.Send(Side.A, 200, "second");
        poor.Send(Side.A, 206, "third");
        Assert.Equal("A0:!a Agap98@100 A100:first Agap95@200 A200:second A206:third", poor.Log);
        poor.AssertBalanced();
    }

    [Fact]
    public void Bytes_not_consumed_are_presented_again_with_what_follows()
    {
        EngineFixture fixture = new();
        fixture.Protocol.Consume = (_, data) => Array.IndexOf(data, (byte)'.') + 1;
        fixture.Send(Side.A, 0, "!a");
        fixture.Send(Side.A, 2, "b.c");
        fixture.Send(Side.A, 5, "d.");
        Assert.Equal("A0:!a A0:!ab.c A4:cd.", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void Unwanted_bytes_are_not_presented_and_losing_them_is_no_gap()
    {
        EngineFixture fixture = new();
        fixture.Protocol.Consume = (_, data) => data[0] == '!' ? 10_000 : data.Length;
        fixture.Send(Side.A, 0, "!head");
        fixture.Send(Side.A, 5, "body");
        fixture.Send(Side.A, 9_000, new string('x', 1_000) + "next");
        Assert.Equal("A0:!head A10000:next", fixture.Log);
        Assert.Equal(["capture", "skip A 10000"], fixture.Hints);
        Assert.Equal(0, fixture.Engine.LostBytes.Value);
        fixture.AssertBalanced();
    }

    [Fact]
    public void A_far_end_of_unwanted_bytes_is_told_to_the_tap_in_steps()
    {
        EngineFixture fixture = new();
        fixture.Protocol.Consume = (_, data) => long.MaxValue;
        fixture.Send(Side.A, 0, "!head");
        for (int i = 1; i <= 8; i++)
        {
            fixture.Send(Side.A, i * (1L << 29), "x");
        }
        Assert.True(fixture.Hints.Count(h => h.StartsWith("skip", StringComparison.Ordinal)) >= 4);
        fixture.Send(Side.A, 8L << 29 | 1, string.Empty, flags: TcpFlags.Fin);
        Assert.Equal($"A0:!head Aend@{8L << 29 | 1}", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void A_payload_cut_by_the_capture_length_is_told_as_such()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!cut", wireLength: 100);
        fixture.Send(Side.A, 100, "next");
        Assert.Equal("A0:!cut Acut96@100 A100:next", fixture.Log);
        Assert.Equal(96, fixture.Dropped("not_captured"));
        fixture.AssertBalanced();
    }

    [Fact]
    public void Both_ends_finished_close_the_connection()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!a", flags: TcpFlags.Fin);
        fixture.Send(Side.B, 0, "!b", flags: TcpFlags.Fin);
        Assert.Equal("A0:!a Aend@2 B0:!b Bend@2 close:Finished", fixture.Log);
        Assert.Equal(1, fixture.ClosedCount);
        Assert.Equal(0, fixture.Engine.ConnectionCount);
        fixture.AssertBalanced();
    }

    [Fact]
    public void A_finish_behind_a_hole_waits_and_then_counts_the_hole_as_lost()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!a");
        fixture.Send(Side.A, 5, string.Empty, flags: TcpFlags.Fin);
        Assert.Equal("A0:!a", fixture.Log);
        fixture.NowNs += 3_000_000_000;
        fixture.Engine.Tick(fixture.NowNs);
        Assert.Equal("A0:!a Agap3@5 Aend@5", fixture.Log);
    }

    [Fact]
    public void A_reset_closes_at_once_and_frees_what_was_held()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!a");
        fixture.Send(Side.B, 0, "!b");
        fixture.Send(Side.A, 8, "early");
        fixture.Send(Side.B, 2, string.Empty, flags: TcpFlags.Rst);
        Assert.Equal("A0:!a B0:!b Agap6@8 A8:early close:Reset", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void An_idle_connection_is_forgotten()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "!a");
        fixture.Engine.Tick(fixture.NowNs + 601_000_000_000);
        Assert.Equal("A0:!a close:Idle", fixture.Log);
        Assert.Equal(0, fixture.Engine.ConnectionCount);
    }

    [Fact]
    public void Beyond_the_limit_the_longest_silent_connection_goes()
    {
        EngineFixture fixture = new(new StreamOptions { MaxConnections = 2 });
        fixture.Send(Side.A, 0, "!a");
        fixture.Open();
        fixture.Open();
        Assert.Equal("A0:!a close:Evicted", fixture.Log);
        Assert.Equal(2, fixture.Engine.ConnectionCount);
        Assert.Equal(1, fixture.Engine.Evicted.Value);
    }

    [Fact]
    public void Both_sides_unknown_from_the_start_are_ignored()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "what");
        Assert.Equal(1, fixture.Engine.ConnectionCount);
        fixture.Send(Side.B, 0, "ever");
        Assert.Equal(["ignore"], fixture.Hints);
        Assert.Equal(0, fixture.Engine.ConnectionCount);
        Assert.Equal(8, fixture.Dropped("not_recognised"));
        fixture.AssertBalanced();
    }

    [Fact]
    public void An_answer_in_a_known_protocol_to_garbage_is_recognised()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.A, 0, "garbage");
        fixture.Send(Side.B, 0, "!error");
        Assert.Equal("B0:!error", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void A_connection_joined_in_the_middle_is_probed_then_ignored()
    {
        EngineFixture fixture = new(fromStart: false);
        for (int i = 0; i < 71; i++)
        {
            fixture.Send(Side.A, i * 4, "body");
        }
        Assert.Equal(["probe"], fixture.Hints);
        fixture.Send(Side.A, 284, "!msg");
        Assert.Equal("A284:!msg", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void A_few_bytes_too_short_to_recognise_are_kept_for_the_session()
    {
        EngineFixture fixture = new();
        fixture.Send(Side.B, 0, "!");
        Assert.Equal(1, fixture.Stage.Held!());
        fixture.Send(Side.A, 0, "!ok");
        Assert.Equal("A0:!ok B0:!", fixture.Log);
        fixture.AssertBalanced();
    }

    [Fact]
    public void An_opaque_session_ends_the_capture_of_its_connection()
    {
        EngineFixture fixture = new();
        fixture.Protocol.BecomeOpaque = true;
        fixture.Send(Side.A, 0, "!upgraded");
        Assert.Equal(["capture", "ignore"], fixture.Hints);
        Assert.Equal(0, fixture.Engine.ConnectionCount);
        fixture.AssertBalanced();
    }

    [Fact]
    public void Random_segments_leave_the_books_balanced()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            Random random = new(seed);
            EngineFixture fixture = new(new StreamOptions { MaxBytes = random.Next(0, 4096), MaxReorderSegments = random.Next(1, 8) }, random.Next(2) == 0, random.Next(2) == 0);
            fixture.Protocol.Consume = (_, data) => random.Next(6) switch { 0 => 0, 1 => data.Length / 2, 2 => data.Length + random.Next(3000), _ => data.Length };
            for (int i = 0; i < 200 && fixture.Engine.ConnectionCount > 0; i++)
            {
                Side side = (Side)random.Next(2);
                int length = random.Next(0, 300);
                TcpFlags flags = random.Next(150) switch { 0 => TcpFlags.Fin, 1 => TcpFlags.Rst, 2 => TcpFlags.Syn, _ => 0 };
                fixture.NowNs += random.Next(100_000_000);
                fixture.Send(side, random.Next(0, 5000), "!" + new string('x', length), random.Next(2) == 0 ? random.Next(5000) : null, flags, length + 1 + random.Next(2) * random.Next(500));
                fixture.AssertBalanced(atRest: false);
                if (random.Next(10) == 0)
                {
                    fixture.Engine.Tick(fixture.NowNs);
                }
            }
            fixture.Engine.CloseAll(EndReason.CaptureEnded, fixture.NowNs);
            fixture.AssertBalanced();
            Assert.Equal(0, fixture.Engine.ConnectionCount);
        }
    }

    [Fact]
    public void In_order_traffic_allocates_nothing()
    {
        EngineFixture fixture = new();
        byte[] payload = new byte[600];
        payload[0] = (byte)'!';
        SilentSession.Protocol protocol = new();
        StreamEngine engine = new(new StreamOptions(), [protocol], fixture, null, new());
        Connection connection = engine.Open(1, default, default, true, true, 0);
        long before = 0;
        for (uint i = 0; i < 2000; i++)
        {
            if (i == 100)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }
            // Every third segment is split so that half of it must be kept, every fifth comes in the wrong order.
            uint at = i * 600;
            if (i % 5 == 0 && i > 0)
            {
                Feed(engine, connection, at + 300, payload.AsSpan(300));
                Feed(engine, connection, at, payload.AsSpan(0, 300));
            }
            else
            {
                Feed(engine, connection, at, payload);
            }
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(2000 * 600, protocol.Seen);
    }

    private static void Feed(StreamEngine engine, Connection connection, uint sequence, ReadOnlySpan<byte> payload) =>
        engine.OnSegment(connection, Side.B, new TcpSegment { TimestampNs = 1, Sequence = sequence, PayloadLength = payload.Length, Payload = payload });
}
