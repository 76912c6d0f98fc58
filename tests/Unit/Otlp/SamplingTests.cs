using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Otlp;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Otlp;

public sealed class SamplingTests
{
    // Thresholds as OpenTelemetry's "TraceState: Probability Sampling" lists them; 1/100 is (1 - 0.01) · 2^56, rounded.
    [Theory]
    [InlineData(1, "ot=th:0")]
    [InlineData(0.5, "ot=th:8")]
    [InlineData(0.25, "ot=th:c")]
    [InlineData(0.01, "ot=th:fd70a3d70a3d7")]
    public void The_threshold_is_told_in_hex_without_zeros_at_its_end(double ratio, string expected) => Assert.StartsWith(expected, new Sampling(ratio).TraceState, StringComparison.Ordinal);

    [Fact]
    public void The_last_56_bits_decide()
    {
        Sampling half = new(0.5);
        Assert.True(half.IsKept(0x0080_0000_0000_0000));
        Assert.False(half.IsKept(0xFF7F_FFFF_FFFF_FFFF));
        Assert.True(new Sampling(1).IsKept(0));
        Assert.False(new Sampling(0).IsKept(ulong.MaxValue));
    }

    [Fact]
    public void The_share_is_kept()
    {
        Sampling tenth = new(0.1);
        int kept = 0;
        for (int i = 0; i < 100_000; i++)
        {
            kept += tenth.IsKept(Sampling.RandomId()) ? 1 : 0;
        }
        // Six standard deviations.
        Assert.InRange(kept, 10_000 - 570, 10_000 + 570);
    }

    [Theory]
    [InlineData(0, true, true)]
    [InlineData(1, false, false)]
    public void A_trace_context_decides_alone(double ratio, bool isSampled, bool isKept)
    {
        byte[] attributes = Traced.Attributes("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", isSampled);
        Assert.Equal(isKept, new Sampling(ratio).TrySample(Traced.With(TestTransactions.Make(), attributes), out SpanPlace place));
        Assert.Equal((UInt128.Parse("4bf92f3577b34da6a3ce929d0e0e4736", System.Globalization.NumberStyles.HexNumber, null), 0x00f067aa0ba902b7UL), (place.TraceId, place.ParentSpanId));
    }

    [Fact]
    public void Without_one_each_request_is_a_trace_of_its_own()
    {
        Sampling all = new(1);
        HashSet<UInt128> ids = [];
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(all.TrySample(TestTransactions.Make(), out SpanPlace place));
            Assert.Equal(0UL, place.ParentSpanId);
            ids.Add(place.TraceId);
        }
        Assert.Equal(1000, ids.Count);
    }

    [Fact]
    public void A_request_that_is_left_out_costs_no_allocation_and_is_counted()
    {
        LedgerStage stage = new("otlp_log", "spans");
        SpanQueue queue = new(new OtlpOptions { Endpoint = new Uri("http://127.0.0.1"), NodeName = "node" }, new Sampling(0), stage, static () => { });
        byte[] attributes = Traced.Attributes("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", isSampled: false);
        Transaction plain = TestTransactions.Make();
        Transaction traced = Traced.With(plain, attributes);
        AllocationRounds rounds = new();
        int offered = 0;
        while (rounds.Next())
        {
            for (int i = 0; i < 100; i++)
            {
                queue.Offer(in plain);
                queue.Offer(in traced);
                offered += 2;
            }
        }
        Assert.Equal(0, rounds.Least);
        Assert.Equal((offered, offered), (stage.In.Value, stage.Dropped.Single(static one => one.Key == "not_sampled").Value.Value));
    }

    [Fact]
    public void What_finds_no_copy_and_what_has_no_request_is_counted()
    {
        LedgerStage stage = new("otlp_log", "spans");
        int woken = 0;
        SpanQueue queue = new(new OtlpOptions { Endpoint = new Uri("http://127.0.0.1"), NodeName = "node", QueueCapacity = 600 }, new Sampling(1), stage, () => woken++);
        for (int i = 0; i < 601; i++)
        {
            queue.Offer(TestTransactions.Make());
        }
        queue.Offer(TestTransactions.Make(method: string.Empty));
        Assert.Equal((602, 1, 1, 600, 1), (stage.In.Value, Dropped("pool_empty"), Dropped("response_without_request"), queue.Held, woken));

        WaitingSpan[] taken = new WaitingSpan[1000];
        Assert.Equal(600, queue.Take(taken));
        queue.Return(taken.AsSpan(0, 600));
        Assert.Equal((0, 0), (queue.Held, queue.Take(taken)));

        long Dropped(string reason) => stage.Dropped.Single(one => one.Key == reason).Value.Value;
    }
}
