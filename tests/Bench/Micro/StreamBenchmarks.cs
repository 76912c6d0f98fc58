using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Bench.Micro;

/// <summary>The stream engine with a protocol that takes everything and does nothing.</summary>
internal static class StreamBenchmarks
{
    private const int Operations = 100_000;
    private static readonly byte[] Segment = new byte[390];

    public static IEnumerable<MicroBenchmark> All()
    {
        Feed inOrder = new(new Taker(leave: 0), new Nobody());
        yield return new("stream: segment of 390 bytes in order", Operations, () =>
        {
            for (int i = 0; i < Operations; i++)
            {
                inOrder.Send(Side.B, Segment);
            }
        });

        Feed swapped = new(new Taker(leave: 0), new Nobody());
        yield return new("stream: segment of 390 bytes, every second one early", Operations, () =>
        {
            for (int i = 0; i < Operations; i += 2)
            {
                swapped.SendSwapped(Side.B, Segment);
            }
        });

        Feed left = new(new Taker(leave: 100), new Nobody());
        yield return new("stream: segment of 390 bytes, 100 left over each time", Operations, () =>
        {
            for (int i = 0; i < Operations; i++)
            {
                left.Send(Side.B, Segment);
            }
        });

        Feed opened = new(new Taker(leave: 0), new Nobody());
        yield return new("stream: connection opened and closed", Operations, () =>
        {
            for (int i = 0; i < Operations; i++)
            {
                opened.Engine.Close(opened.Open(), EndReason.Finished, 0);
            }
        });
    }

    /// <summary>Consumes all bytes but for a rest.</summary>
    private sealed class Taker(int leave) : IProtocol
    {
        private readonly Stack<ProtocolSession> _pool = new();

        public string Id => "taker";

        public Detection Detect(ReadOnlySpan<byte> data) => Detection.Yes;

        public ProtocolSession Rent() => _pool.TryPop(out ProtocolSession? pooled) ? pooled : new Session(leave);

        public void Return(ProtocolSession session) => _pool.Push(session);

        private sealed class Session(int leave) : ProtocolSession
        {
            public override long OnData(Side side, ReadOnlySpan<byte> data, in DataInfo info) => Math.Max(0, data.Length - leave);

            public override void OnGap(Side side, long bytes, in DataInfo info) => throw new InvalidOperationException("no bytes were lost");

            public override void OnEnd(Side side, in DataInfo info)
            {
            }

            public override void OnClose(EndReason reason, long timestampNs)
            {
            }

            public override void OnTick(long nowNs)
            {
            }

            public override void Reset()
            {
            }
        }
    }
}
