using System.Text;
using System.Text.Json.Nodes;
using KubeBpfBox.Core.Capture;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Conformance;

/// <summary>Writes a capture of one connection packet by packet: what no real client does on demand.</summary>
/// <remarks>Sequence and acknowledgement numbers go on by themselves; each packet takes a millisecond.</remarks>
internal sealed class Wire : IDisposable
{
    private readonly MemoryStream _file = new();
    private readonly CaptureWriter _writer;
    private readonly Endpoint _client = Endpoint.From([10, 0, 0, 1], 1000);
    private readonly Endpoint _server = Endpoint.From([10, 0, 0, 2], 80);
    private uint _clientNext = 0xFFFF_FFF0;
    private uint _serverNext = 5000;

    public Wire(bool opens = true)
    {
        _writer = new CaptureWriter(_file, LinkType.Ethernet);
        if (opens)
        {
            Client("", TcpFlags.Syn);
            Server("", TcpFlags.Syn | TcpFlags.Ack);
        }
    }

    /// <summary>Time of the next packet.</summary>
    public long NowNs { get; set; } = 1_700_000_000_000_000_000;

    /// <summary>What was printed, short: method, target, status, version.</summary>
    public List<string> Lines
    {
        get
        {
            List<JsonObject> printed = Pipeline.Run(_file.ToArray());
            return [.. printed.Select(static line => $"{line["method"] ?? "-"} {line["target"] ?? "-"} {line["status"]?.ToJsonString() ?? "-"} {line["version"] ?? "-"}")];
        }
    }

    /// <summary>A packet of the client. <paramref name="shift"/> moves its sequence number and leaves the next one where it was.</summary>
    public Wire Client(string text, TcpFlags flags = TcpFlags.Ack, int shift = 0) => Send(true, text, flags, shift);

    /// <summary>A packet of the server.</summary>
    public Wire Server(string text, TcpFlags flags = TcpFlags.Ack, int shift = 0) => Send(false, text, flags, shift);

    /// <summary>A response and the request that it answers, captured the wrong way around.</summary>
    public Wire ServerBeforeClient(string request, string response)
    {
        uint clientStart = _clientNext, serverStart = _serverNext;
        _clientNext = unchecked(clientStart + (uint)request.Length);
        Server(response);
        (uint after, _clientNext, _serverNext) = (_serverNext, clientStart, serverStart);
        Client(request);
        _serverNext = after;
        return this;
    }

    /// <summary>Bytes that passed uncaptured.</summary>
    public Wire Lost(int clientBytes = 0, int serverBytes = 0)
    {
        _clientNext = unchecked(_clientNext + (uint)clientBytes);
        _serverNext = unchecked(_serverNext + (uint)serverBytes);
        return this;
    }

    public void Dispose() => _file.Dispose();

    private Wire Send(bool fromClient, string text, TcpFlags flags, int shift)
    {
        ref uint next = ref fromClient ? ref _clientNext : ref _serverNext;
        byte[] payload = Encoding.Latin1.GetBytes(text);
        TcpSegment segment = new()
        {
            TimestampNs = NowNs,
            Sequence = unchecked(next + (uint)shift),
            Acknowledgment = fromClient ? _serverNext : _clientNext,
            Flags = flags,
            PayloadLength = payload.Length,
            Payload = payload,
        };
        _writer.WriteTcp(fromClient ? _client : _server, fromClient ? _server : _client, in segment);
        if (shift == 0)
        {
            next = unchecked(next + (uint)payload.Length + ((flags & (TcpFlags.Syn | TcpFlags.Fin)) != 0 ? 1u : 0u));
        }
        NowNs += 1_000_000;
        return this;
    }
}
