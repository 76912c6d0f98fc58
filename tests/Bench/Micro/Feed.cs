using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Bench.Micro;

/// <summary>An engine with one connection of a local server socket (A answers, B asks), fed segment by segment.</summary>
internal sealed class Feed(IProtocol protocol, ITransactionObserver observer) : IDisposable
{
    private readonly uint[] _next = [1, 1];
    private StreamEngine? _engine;
    private Connection? _connection;
    private long _nowNs = 1_700_000_000_000_000_000;

    public StreamEngine Engine => _engine ??= new StreamEngine(new StreamOptions(), [protocol], observer, tap: null, new Ledger());

    public Connection Connection => _connection ??= Open();

    public Connection Open() => Engine.Open(1, Endpoint.From([10, 0, 0, 1], 80), Endpoint.From([10, 0, 0, 2], 40_000), fromStart: true, isLocalSocket: true, _nowNs);

    /// <summary>The next bytes of a side.</summary>
    public void Send(Side side, ReadOnlySpan<byte> payload)
    {
        SendAt(side, _next[(int)side], payload);
        _next[(int)side] += (uint)payload.Length;
    }

    /// <summary>The two next runs of a side, the later one first.</summary>
    public void SendSwapped(Side side, ReadOnlySpan<byte> payload)
    {
        uint first = _next[(int)side];
        SendAt(side, first + (uint)payload.Length, payload);
        SendAt(side, first, payload);
        _next[(int)side] = first + (2 * (uint)payload.Length);
    }

    public void Dispose() => _engine?.CloseAll(EndReason.CaptureEnded, _nowNs);

    private void SendAt(Side side, uint sequence, ReadOnlySpan<byte> payload)
    {
        _nowNs += 1000;
        Connection connection = Connection;
        Engine.OnSegment(connection, side, new TcpSegment
        {
            TimestampNs = _nowNs,
            Sequence = sequence,
            Acknowledgment = _next[(int)side.Other()],
            Flags = TcpFlags.Ack | TcpFlags.Psh,
            PayloadLength = payload.Length,
            Payload = payload,
        });
    }
}

/// <summary>Takes transactions and keeps nothing.</summary>
internal sealed class Nobody : ITransactionObserver
{
    public long Count { get; private set; }

    public void OnTransaction(in Transaction transaction) => Count++;
}
