using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Streams;

/// <summary>Counts bytes and leaves every third call's last byte unconsumed; allocates nothing.</summary>
internal sealed class SilentSession(SilentSession.Protocol owner) : ProtocolSession
{
    private int _calls;
    private long _seen;

    public override long OnData(Side side, ReadOnlySpan<byte> data, in DataInfo info)
    {
        long left = ++_calls % 3 == 0 ? 1 : 0;
        long done = data.Length - left;
        _seen += done;
        owner.Seen = _seen + left;
        return done;
    }

    public override void OnGap(Side side, long bytes, in DataInfo info) => Assert.Fail("no bytes were lost");

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

    internal sealed class Protocol : IProtocol
    {
        public long Seen { get; set; }

        public string Id => "silent";

        public Detection Detect(ReadOnlySpan<byte> data) => Detection.Yes;

        public ProtocolSession Rent() => new SilentSession(this);

        public void Return(ProtocolSession session) => session.Reset();
    }
}
