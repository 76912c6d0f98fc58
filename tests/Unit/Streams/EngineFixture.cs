using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Streams;

/// <summary>An engine with one connection; sequence numbers are given as stream offsets.</summary>
internal sealed class EngineFixture : ITapControl, ITransactionObserver
{
    private const uint BaseA = 0xFFFF_FFF0; // wraps inside the first 16 bytes
    private const uint BaseB = 5000;

    public EngineFixture(StreamOptions? options = null, bool fromStart = true, bool local = false)
    {
        Engine = new StreamEngine(options ?? new StreamOptions(), [Protocol], this, this, Ledger);
        Engine.Closed = (_, _) => ClosedCount++;
        Connection = Open(fromStart, local);
    }

    public RecordingProtocol Protocol { get; } = new();
    public Ledger Ledger { get; } = new();
    public StreamEngine Engine { get; }
    public Connection Connection { get; }
    public List<string> Hints { get; } = [];
    public int ClosedCount { get; private set; }
    public long NowNs { get; set; } = 1_000_000_000;
    public string Log => Protocol.Log.ToString().TrimEnd();
    public LedgerStage Stage => Ledger.Stages[0];

    public Connection Open(bool fromStart = true, bool local = false) =>
        Engine.Open(7, Endpoint.From([10, 0, 0, 1], 1000), Endpoint.From([10, 0, 0, 2], 80), fromStart, local, NowNs);

    public void Send(Side side, long offset, string payload, long? ack = null, TcpFlags flags = 0, int? wireLength = null)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(payload);
        Engine.OnSegment(Connection, side, new TcpSegment
        {
            TimestampNs = NowNs,
            Sequence = unchecked((side == Side.A ? BaseA : BaseB) + (uint)offset),
            Acknowledgment = ack is { } value ? unchecked((side == Side.A ? BaseB : BaseA) + (uint)value) : 0,
            Flags = flags | (ack is null ? 0 : TcpFlags.Ack),
            PayloadLength = wireLength ?? bytes.Length,
            Payload = bytes,
        });
    }

    /// <summary>The identity In = Out + dropped + held, and no buffer kept when nothing is held.</summary>
    public void AssertBalanced(bool atRest = true)
    {
        Assert.Equal(0, Stage.Unaccounted);
        if (atRest)
        {
            Assert.Equal(0, Stage.Held!());
            Assert.Equal(0, Engine.BufferedBytes);
        }
    }

    public long Dropped(string reason) => Stage.Dropped.Single(d => d.Key == reason).Value.Value;

    void ITapControl.Capture(Connection connection) => Hints.Add("capture");

    void ITapControl.Ignore(Connection connection) => Hints.Add("ignore");

    void ITapControl.Probe(Connection connection) => Hints.Add("probe");

    void ITapControl.SkipUntil(Connection connection, Side side, uint sequence) => Hints.Add($"skip {side} {unchecked(sequence - (side == Side.A ? BaseA : BaseB))}");

    void ITransactionObserver.OnTransaction(in Transaction transaction)
    {
    }
}
