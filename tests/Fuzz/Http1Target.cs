using System.Buffers.Binary;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Capture;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Fuzz;

/// <summary>Segments of one connection, out of order, lost, cut and repeated, as local socket and as capture.</summary>
/// <remarks>Shape of an input: 1 byte of options, then records of: 1 byte kind, 2 bytes length, 1 byte of detail, payload.</remarks>
internal sealed class Http1Target : IFuzzTarget
{
    private const int HeaderBytes = 4;
    private static readonly Endpoint s_client = Endpoint.From([10, 0, 0, 1], 1000);
    private static readonly Endpoint s_server = Endpoint.From([10, 0, 0, 2], 80);

    public string Name => "http1";

    public IEnumerable<byte[]> Seeds()
    {
        foreach (byte[] file in Corpus.Captures(24 * 1024))
        {
            for (byte options = 0; options < 4; options++)
            {
                yield return Encode(file, options);
            }
        }
    }

    public void Run(byte[] input)
    {
        if (input.Length == 0)
        {
            return;
        }
        Ledger ledger = new();
        CheckingObserver observer = new();
        StreamOptions options = new() { MaxBytes = 192 * 1024, MaxReorderBytes = 16 * 1024, MaxReorderSegments = 6 };
        StreamEngine engine = new(options, [new Http1Protocol()], observer, tap: null, ledger);
        bool isLocal = (input[0] & 1) != 0, fromStart = (input[0] & 2) == 0;
        long nowNs = 1_700_000_000_000_000_000;
        bool isOver = false;
        engine.Closed = (_, _) => isOver = true;
        Connection connection = engine.Open(1, s_client, s_server, fromStart, isLocal, nowNs);
        Span<uint> next = [0xFFFF_FF00, 7000];
        long bytes = 0;
        for (ReadOnlySpan<byte> rest = input.AsSpan(1); rest.Length >= HeaderBytes && !isOver;)
        {
            int length = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(rest[1..]), rest.Length - HeaderBytes);
            nowNs += rest[3] * 1000L;
            bytes += length;
            Step(engine, connection, rest[0], rest[3], rest.Slice(HeaderBytes, length), next, nowNs);
            rest = rest[(HeaderBytes + length)..];
            if (rest.Length > 0 && rest[0] == 0xEE)
            {
                nowNs += 1_500_000_000;
                engine.Tick(nowNs);
            }
        }
        engine.CloseAll(EndReason.CaptureEnded, nowNs);
        CheckingObserver.RequireAtRest(engine, ledger);
        FuzzException.Require(observer.Count <= (bytes / 4) + 1, "more transactions than bytes can hold");
    }

    /// <summary>kind: bit 0 side, bits 1 to 3 what.</summary>
    private static void Step(StreamEngine engine, Connection connection, byte kind, byte detail, ReadOnlySpan<byte> payload, Span<uint> next, long nowNs)
    {
        int side = kind & 1;
        uint sequence = next[side];
        int wire = payload.Length;
        TcpFlags flags = TcpFlags.Ack;
        uint acknowledged = next[side ^ 1];
        switch ((kind >> 1) & 15)
        {
            case 1: // lost before
                sequence = unchecked(sequence + detail);
                break;
            case 2: // again, overlapping
                sequence = unchecked(sequence - detail);
                break;
            case 3: // cut by the capture length
                wire += detail;
                break;
            case 4:
                flags |= TcpFlags.Fin;
                break;
            case 5 when detail > 250:
                flags |= TcpFlags.Rst;
                break;
            case 6: // acknowledges what was not seen
                acknowledged = unchecked(acknowledged + detail);
                break;
            case 7: // acknowledges less
                acknowledged = unchecked(acknowledged - detail);
                break;
            case 8:
                flags = TcpFlags.None;
                break;
            case 9 when detail > 250:
                sequence = unchecked(sequence + 0x4000_0000);
                break;
        }
        next[side] = unchecked(sequence + (uint)wire);
        engine.OnSegment(connection, (Side)side, new TcpSegment
        {
            TimestampNs = nowNs,
            Sequence = sequence,
            Acknowledgment = acknowledged,
            Flags = flags,
            PayloadLength = wire,
            Payload = payload,
        });
    }

    private static byte[] Encode(byte[] file, byte options)
    {
        using CaptureReader reader = CaptureReader.Open(new MemoryStream(file), "seed");
        PacketDecoder decoder = new();
        List<byte> bytes = [options];
        Endpoint? client = null;
        Span<byte> header = stackalloc byte[HeaderBytes];
        while (reader.TryRead(out CapturedPacket packet))
        {
            if (decoder.Decode(in packet, out TcpSegmentView view) != DecodeStatus.Tcp || view.Segment.Payload.IsEmpty)
            {
                continue;
            }
            client ??= view.Source;
            header[0] = (byte)(view.Source == client ? 0 : 1);
            BinaryPrimitives.WriteUInt16LittleEndian(header[1..], (ushort)view.Segment.Payload.Length);
            header[3] = 10;
            bytes.AddRange(header);
            bytes.AddRange(view.Segment.Payload);
        }
        return [.. bytes];
    }
}
