using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <summary>One connection that speaks HTTP/1: frames both directions, pairs them and emits transactions.</summary>
/// <remarks>
/// Errors: none, whatever the bytes. Memory: the queue of pending requests (64, 64 KiB of text) and fixed state; of a head only the
/// unfinished line is left to the engine to keep, at most 8 KiB. Source: RFC 9112; README.md tells what is done where the RFC leaves it open.
/// </remarks>
public sealed partial class Http1Session : ProtocolSession
{
    /// <summary>Most of a request target that is kept.</summary>
    public const int MaxTargetLength = 8 * 1024;

    /// <summary>A head of more bytes than this is marked truncated; its framing fields are read all the same.</summary>
    public const int MaxHeadBytes = 64 * 1024;

    /// <summary>Most of an unfinished line that the engine is asked to keep.</summary>
    private const int MaxKeptLine = MaxTargetLength + 128;

    /// <summary>The same for a header line of interest, a chunk-size line and a status line.</summary>
    private const int MaxKeptField = 1024;

    /// <summary>Longest <c>traceparent</c> that is read; short enough to be kept whole however it is split. Version 00 has 55 bytes.</summary>
    private const int MaxTraceparentLength = 512;

    private readonly RequestQueue _queue;
    private readonly long _requestTimeoutNs;
    private MessageState _a;
    private MessageState _b;
    private ResponseState _response;
    private bool _isRoleKnown;
    private Side _clientSide;

    /// <summary>The newest pending request is the message that the client is sending.</summary>
    private bool _isRequestOpen;

    /// <summary>The connection's start was looked at.</summary>
    private bool _isBegun;

    internal Http1Session(long requestTimeoutNs, QueueMemory memory)
    {
        _requestTimeoutNs = requestTimeoutNs;
        _queue = new RequestQueue(memory);
        _a.Reset();
        _b.Reset();
    }

    private ref MessageState Client => ref _clientSide == Side.A ? ref _a : ref _b;

    private ref MessageState Server => ref _clientSide == Side.A ? ref _b : ref _a;

    private bool IsServer(Side side) => _isRoleKnown && side != _clientSide;

    private bool IsClient(Side side) => _isRoleKnown && side == _clientSide;

    /// <inheritdoc/>
    public override long OnData(Side side, ReadOnlySpan<byte> data, in DataInfo info)
    {
        if (IsOpaque)
        {
            return long.MaxValue;
        }
        if (!_isBegun)
        {
            Begin();
        }
        ref MessageState message = ref side == Side.A ? ref _a : ref _b;
        message.SeenOffset = Math.Max(message.SeenOffset, info.Offset + data.Length);
        message.SeenNs = info.TimestampNs;
        message.PeerOffset = info.PeerOffset;
        int known = message.Scanned;
        if (message.Phase == Phase.Resync && known > 0)
        {
            message.Scanned = 0;
        }
        long at = 0;
        while (at < data.Length)
        {
            at = Step(ref message, side, data, (int)at, in info, known);
            if (at < 0)
            {
                return ~at;
            }
            known = 0;
            if (IsOpaque)
            {
                return long.MaxValue;
            }
        }
        return at;
    }

    /// <summary>Goes one step in a message: a line, a body, a chunk.</summary>
    /// <returns>
    /// Where to go on (behind the data: the bytes up to there are not wanted), or the complement of where to stop and wait for more bytes.
    /// </returns>
    private long Step(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at, in DataInfo info, int known)
    {
        switch (message.Phase)
        {
            case Phase.Start:
                return StartLine(ref message, side, data, at, in info);
            case Phase.Headers:
                return IsServer(side) ? ResponseHeaders(ref message, data, at, in info) : RequestHeaders(ref message, data, at, in info);
            case Phase.LongRequestLine:
                return LongRequestLine(ref message, data, at);
            case Phase.SkipHeaderLine:
                return SkipLine(ref message, data, at, Phase.Headers);
            case Phase.SkipTrailerLine:
                return SkipLine(ref message, data, at, Phase.Trailers);
            case Phase.SkipChunkExtension:
                return SkipChunkExtension(ref message, data, at, in info);
            case Phase.Body:
                return Body(ref message, side, data, at, in info);
            case Phase.ChunkSize:
                return ChunkSize(ref message, side, data, at, in info);
            case Phase.ChunkData:
                return ChunkData(ref message, at, in info);
            case Phase.ChunkDataEnd:
                return ChunkDataEnd(ref message, side, data, at, in info);
            case Phase.Trailers:
                return Trailers(ref message, side, data, at, in info);
            case Phase.BlindChunks:
                return BlindChunks(ref message, side, data, at, in info);
            case Phase.AfterConnect:
                return data.Length;
            case Phase.UntilClose:
                return long.MaxValue;
            default:
                return Resync(ref message, side, data, at, known);
        }
    }

    /// <inheritdoc/>
    public override void Reset()
    {
        _a.Reset();
        _b.Reset();
        _response.Clear();
        _queue.Clear();
        _isRoleKnown = _isRequestOpen = _isBegun = false;
        _clientSide = Side.A;
        ResetPairing();
        IsOpaque = false;
    }

    /// <summary>A capture that joined late may start anywhere, and may have missed what the first response answers.</summary>
    private void Begin()
    {
        _isBegun = true;
        if (Connection is { FromStart: false })
        {
            _a.Phase = _b.Phase = Phase.Resync;
            _isServerLossy = true;
        }
    }

    private void LearnRole(Side client)
    {
        if (!_isRoleKnown)
        {
            _isRoleKnown = true;
            _clientSide = client;
        }
    }
}
