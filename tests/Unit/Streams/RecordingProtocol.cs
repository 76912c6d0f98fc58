using System.Text;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Streams;

/// <summary>A protocol for the engine's tests: knows bytes that start with '!', and writes down what it is given.</summary>
internal sealed class RecordingProtocol : IProtocol
{
    public StringBuilder Log { get; } = new();

    /// <summary>Decides what OnData returns; default: everything is consumed.</summary>
    public Func<Side, byte[], long>? Consume { get; set; }

    public bool BecomeOpaque { get; set; }

    public string Id => "recording";

    public Detection Detect(ReadOnlySpan<byte> data) => data.IsEmpty ? Detection.NeedMoreData
        : data[0] != '!' ? Detection.No
        : data.Length < 2 ? Detection.NeedMoreData : Detection.Yes;

    public ProtocolSession Rent() => new Session(this);

    public void Return(ProtocolSession session) => session.Reset();

    private sealed class Session(RecordingProtocol owner) : ProtocolSession
    {
        public override long OnData(Side side, ReadOnlySpan<byte> data, in DataInfo info)
        {
            owner.Log.Append($"{side}{info.Offset}:{Encoding.Latin1.GetString(data)} ");
            IsOpaque = owner.BecomeOpaque;
            return owner.Consume?.Invoke(side, data.ToArray()) ?? data.Length;
        }

        public override void OnGap(Side side, long bytes, in DataInfo info) => owner.Log.Append($"{side}gap{bytes}@{info.Offset} ");

        public override void OnNotCaptured(Side side, long bytes, in DataInfo info) => owner.Log.Append($"{side}cut{bytes}@{info.Offset} ");

        public override void OnEnd(Side side, in DataInfo info) => owner.Log.Append($"{side}end@{info.Offset} ");

        public override void OnClose(EndReason reason, long timestampNs) => owner.Log.Append($"close:{reason} ");

        public override void OnTick(long nowNs)
        {
        }

        public override void Reset()
        {
        }
    }
}
