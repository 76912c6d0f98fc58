using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Otlp;

namespace KubeBpfBox.Bench.Micro;

/// <summary>What a request costs the parse thread when it becomes a span and when it does not, and what the span costs the writer.</summary>
internal static class OtlpBenchmarks
{
    private const int Operations = 2_000;

    private static ReadOnlySpan<byte> Target => "/api/v1/users/42/orders?limit=20"u8;

    public static IEnumerable<MicroBenchmark> All()
    {
        OtlpOptions options = new() { Endpoint = new Uri("http://127.0.0.1:4317"), NodeName = "node" };
        byte[] notSampled = Context(isSampled: false);
        byte[] sampled = Context(isSampled: true);

        SpanQueue none = new(options, new Sampling(0), new LedgerStage("none", "spans"), static () => { });
        yield return new("otlp: request left out by the ratio", Operations, () => Offer(none, []));
        yield return new("otlp: request whose trace is not sampled", Operations, () => Offer(none, notSampled));

        SpanQueue all = new(options, new Sampling(1), new LedgerStage("all", "spans"), static () => { });
        WaitingSpan[] taken = new WaitingSpan[Operations];
        yield return new("otlp: request copied for a span, and given back", Operations, () =>
        {
            Offer(all, sampled);
            all.Return(taken.AsSpan(0, all.Take(taken)));
        });

        ProtoWriter writer = new();
        SpanWriter spans = new(writer, default, new Sampling(1).TraceState);
        Transaction one = RecordBenchmarks.Make(Target, 0, sampled);
        spans.Write(in one, new SpanPlace(1, 2));
        yield return new($"otlp: span serialized, {writer.Length} bytes", Operations, () =>
        {
            writer.Clear();
            for (int i = 0; i < Operations; i++)
            {
                spans.Write(RecordBenchmarks.Make(Target, i, sampled), new SpanPlace(1, 2));
            }
        });
    }

    private static void Offer(SpanQueue queue, byte[] attributes)
    {
        for (int i = 0; i < Operations; i++)
        {
            queue.Offer(RecordBenchmarks.Make(Target, i, attributes));
        }
    }

    private static byte[] Context(bool isSampled)
    {
        AttributeWriter writer = new(new byte[TraceContext.AttributesLength]);
        new TraceContext(new UInt128(1, 2), 3, isSampled).AddTo(ref writer);
        return writer.Written.ToArray();
    }
}
