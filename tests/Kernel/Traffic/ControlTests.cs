using System.Net;
using System.Text;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Kernel.Traffic;

/// <summary>What user space tells the tap about a socket takes effect in the kernel.</summary>
public sealed class ControlTests
{
    [Fact]
    public void A_connection_that_nobody_knows_costs_no_more_records()
    {
        using TapFixture fixture = new();
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        byte[] unknown = Encoding.ASCII.GetBytes("SSH-2.0-something\r\n");
        TcpPair.Transfer(pair.Client, pair.Server, unknown);
        TcpPair.Transfer(pair.Server, pair.Client, unknown);
        fixture.Until(() => Dropped(fixture, "not_recognised") == 4 * unknown.Length && fixture.Engine.ConnectionCount == 0, "both connections given up");

        ulong submitted = fixture.Counters.Submitted, ignored = fixture.Counters.Ignored;
        for (int i = 0; i < 50; i++)
        {
            TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(500));
        }
        // Each packet is met at both sockets.
        Assert.Equal(ignored + 100, fixture.Counters.Ignored);
        Assert.Equal(submitted, fixture.Counters.Submitted);
        Assert.Empty(fixture.Read(() => fixture.Recorder.Connections.ToArray()));
        fixture.AssertPacketsBalance();
        fixture.StopAndAssertLedger();
    }

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(100_000)]
    public void A_body_that_nobody_wants_is_not_copied_but_for_its_last_byte(int bodyBytes)
    {
        const int Head = 10;
        using TapFixture fixture = new(new() { RingBytes = 16 * 1024 * 1024, BytesPerPacket = 512 });
        fixture.Recorder.Consume = (_, _, data) => data.Length == Head ? Head + bodyBytes - 1 : data.Length;
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(Head));
        Seen client = fixture.At(pair.Client), server = fixture.At(pair.Server);

        ulong submitted = fixture.Counters.Submitted;
        byte[] body = TcpPair.Message(bodyBytes, seed: 3);
        TcpPair.Transfer(pair.Client, pair.Server, body);
        byte[] tail = TcpPair.Message(77, seed: 4);
        TcpPair.Transfer(pair.Client, pair.Server, tail);
        foreach ((Seen seen, Side side) in new[] { (client, Side.A), (server, Side.B) })
        {
            long lastByte = Head + bodyBytes - 1;
            fixture.Until(() => seen.DataOf(side).Any(run => run.Offset + run.Bytes.Length == lastByte + 1 + tail.Length), "what follows the body");
            fixture.Read(() =>
            {
                Assert.Empty(seen.GapsOf(side));
                Assert.Equal(Head, seen.DataOf(side)[0].Bytes.Length);
                (long offset, byte[] bytes) = seen.DataOf(side)[1];
                Assert.Equal(lastByte, offset);
                Assert.Equal(body[^1], bytes[0]);
                Assert.Equal(Head + 1 + tail.Length, seen.Count(side));
                return true;
            });
        }
        Assert.Equal(0, fixture.Engine.LostBytes.Value);
        Assert.True(fixture.Counters.Unwanted > 0);
        // The packet with the body's end and the tail, at each end.
        Assert.InRange(fixture.Counters.Submitted - submitted, 4ul, 6ul);
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void Joined_in_the_middle_only_turns_of_direction_are_copied_until_one_is_known()
    {
        using TapFixture fixture = new(attach: false);
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(10));
        fixture.Attach();
        byte[] unknown = Encoding.ASCII.GetBytes("nobody knows this");
        for (int i = 0; i < 8; i++)
        {
            TcpPair.Transfer(pair.Client, pair.Server, unknown);
        }
        fixture.Until(() => Dropped(fixture, "not_recognised") == 2 * 8 * unknown.Length, "eight packets judged at each end");

        ulong submitted = fixture.Counters.Submitted, unwanted = fixture.Counters.Unwanted;
        for (int i = 0; i < 20; i++)
        {
            TcpPair.Transfer(pair.Client, pair.Server, unknown);
        }
        Assert.Equal(submitted, fixture.Counters.Submitted);
        Assert.Equal(unwanted + 40, fixture.Counters.Unwanted);

        byte[] known = TcpPair.Message(300);
        TcpPair.Transfer(pair.Server, pair.Client, known);
        Seen client = fixture.At(pair.Client), server = fixture.At(pair.Server);
        Assert.Equal(known, fixture.Read(() => client.Bytes(Side.B)));
        Assert.Equal(known, fixture.Read(() => server.Bytes(Side.A)));
        Assert.False(client.FromStart);

        // Known now: everything is captured again.
        TcpPair.Transfer(pair.Server, pair.Client, known);
        fixture.Until(() => client.Count(Side.B) == 2 * known.Length && server.Count(Side.A) == 2 * known.Length, "the second message");
        fixture.AssertPacketsBalance();
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void A_record_after_a_long_silence_wakes_the_reader()
    {
        using TapFixture fixture = new();
        using TcpPair pair = TcpPair.Connect(IPAddress.Loopback);
        Thread.Sleep(300); // the plugin's pauses are over: it sleeps for real
        TcpPair.Transfer(pair.Client, pair.Server, TcpPair.Message(20));
        Assert.Equal(20, fixture.At(pair.Client).Count(Side.A));
        fixture.StopAndAssertLedger();
    }

    private static long Dropped(TapFixture fixture, string reason) =>
        fixture.Ledger.Stages.Single(static stage => stage.Name == "stream").Dropped.Single(pair => pair.Key == reason).Value.Value;
}
