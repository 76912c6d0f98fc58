using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Kernel.Traffic;

/// <summary>A protocol whose messages start with '!': it writes down what it is given.</summary>
internal sealed class Recorder : IProtocol, IWorkloadResolver, ITransactionObserver
{
    /// <summary>What is consumed of some bytes; default: all.</summary>
    public Func<Seen, Side, byte[], long>? Consume { get; set; }

    /// <summary>The connections recognised so far.</summary>
    public List<Seen> Connections { get; } = [];

    /// <summary>The owners asked for, as text and numbers.</summary>
    public List<Owner> Owners { get; } = [];

    public string Id => "recorder";

    public Detection Detect(ReadOnlySpan<byte> data) => data.IsEmpty ? Detection.NeedMoreData : data[0] == (byte)'!' ? Detection.Yes : Detection.No;

    public ProtocolSession Rent() => new Session(this);

    public void Return(ProtocolSession session) => session.Reset();

    public Workload Resolve(in OwnerHint hint)
    {
        Owners.Add(new Owner(hint.CgroupId, hint.NetworkNamespace, hint.ProcessId, Encoding.UTF8.GetString(hint.ProcessName), hint.Local, hint.Remote));
        return Workload.Unknown;
    }

    public int Generation => 0;

    public Workload ResolveAddress(Endpoint endpoint, uint networkNamespace) => Workload.Unknown;

    public Workload Refresh(Workload workload) => workload;

    public void OnTransaction(in Transaction transaction) => Assert.Fail("this protocol emits nothing");

    /// <summary>A copy of a <see cref="OwnerHint"/>.</summary>
    internal sealed record Owner(ulong CgroupId, uint NetworkNamespace, int ProcessId, string ProcessName, Endpoint Local, Endpoint Remote);

    private sealed class Session(Recorder recorder) : ProtocolSession
    {
        private Seen? _seen;

        private Seen Seen
        {
            get
            {
                if (_seen is null)
                {
                    _seen = new Seen(Connection!.A, Connection.B, Connection.FromStart, Connection.Workload);
                    recorder.Connections.Add(_seen);
                }
                return _seen;
            }
        }

        public override long OnData(Side side, ReadOnlySpan<byte> data, in DataInfo info)
        {
            Seen.AddData(side, info.Offset, data);
            return recorder.Consume?.Invoke(Seen, side, data.ToArray()) ?? data.Length;
        }

        public override void OnGap(Side side, long bytes, in DataInfo info) => Seen.AddGap(side, info.Offset - bytes, bytes);

        public override void OnEnd(Side side, in DataInfo info) => Seen.SetEnd(side, info.Offset);

        public override void OnClose(EndReason reason, long timestampNs) => Seen.Closed = reason;

        public override void OnTick(long nowNs)
        {
        }

        public override void Reset() => _seen = null;
    }
}
