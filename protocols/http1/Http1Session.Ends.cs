using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <content>Ends of messages and of connections, losses, and time.</content>
public sealed partial class Http1Session
{
    /// <summary>The message that a side was sending ends here.</summary>
    private void CompleteMessage(ref MessageState message, Side side, long endOffset, long endNs)
    {
        message.EndMessage(Phase.Start);
        if (IsServer(side))
        {
            CompleteResponse(ref message, endOffset, endNs);
        }
        else
        {
            CompleteRequest(ref message, endOffset, endNs);
        }
    }

    private void CompleteRequest(ref MessageState message, long endOffset, long endNs)
    {
        if (!_isRequestOpen)
        {
            return;
        }
        _isRequestOpen = false;
        ref PendingRequest request = ref _queue.Newest;
        request.EndOffset = endOffset;
        request.EndNs = endNs;
        request.Bytes = endOffset - request.StartOffset;
        request.BodyBytes = message.BodyBytes;
        request.IsHeadTruncated = message.IsHeadTruncated;
        request.IsBodyIncomplete = message.IsBodyIncomplete;
        if (_response.IsDone && _queue.Count == 1)
        {
            EmitPaired();
        }
    }

    private void CompleteResponse(ref MessageState message, long endOffset, long endNs)
    {
        if (!_response.IsActive)
        {
            return;
        }
        _response.Bytes += endOffset - message.StartOffset;
        _response.BodyBytes = message.BodyBytes;
        _response.EndNs = endNs;
        _response.IsHeadTruncated = message.IsHeadTruncated;
        _response.IsBodyIncomplete = message.IsBodyIncomplete;
        if (!_response.IsPaired)
        {
            EmitOrphan();
        }
        else if (_queue.Oldest.IsComplete || _response.Switches || _response.IsSilent)
        {
            EmitPaired();
        }
        else
        {
            _response.IsDone = true;
        }
    }

    /// <inheritdoc/>
    public override void OnNotCaptured(Side side, long bytes, in DataInfo info)
    {
        ref MessageState message = ref side == Side.A ? ref _a : ref _b;
        bool isInBody = message.Phase switch
        {
            Phase.Body or Phase.ChunkData => info.Offset <= message.BodyEnd,
            Phase.UntilClose => true,
            _ => false,
        };
        if (IsOpaque || !isInBody)
        {
            OnGap(side, bytes, in info);
            return;
        }
        message.SeenOffset = Math.Max(message.SeenOffset, info.Offset);
        message.SeenNs = info.TimestampNs;
        message.MayHaveNoBody = false;
        if (message.Phase == Phase.Body && info.Offset == message.BodyEnd)
        {
            message.BodyBytes = message.ContentLength;
            CompleteMessage(ref message, side, info.Offset, info.TimestampNs);
        }
    }

    /// <inheritdoc/>
    public override void OnGap(Side side, long bytes, in DataInfo info)
    {
        if (IsOpaque || bytes <= 0)
        {
            return;
        }
        if (!_isBegun)
        {
            Begin();
        }
        ref MessageState message = ref side == Side.A ? ref _a : ref _b;
        long end = info.Offset;
        long start = end - bytes;
        message.SeenOffset = Math.Max(message.SeenOffset, end);
        message.Scanned = 0;
        switch (message.Phase)
        {
            case Phase.UntilClose:
                message.IsBodyIncomplete = true;
                return;
            case Phase.AfterConnect:
                return;
            case Phase.Body or Phase.ChunkData when end <= message.BodyEnd:
                message.IsBodyIncomplete = true;
                message.MayHaveNoBody = false;
                if (message.Phase == Phase.Body && end == message.BodyEnd)
                {
                    message.BodyBytes = message.ContentLength;
                    CompleteMessage(ref message, side, end, message.SeenNs);
                }
                return;
            case Phase.Body:
                message.IsBodyIncomplete = true;
                message.BodyBytes = message.ContentLength;
                start = message.BodyEnd;
                CompleteMessage(ref message, side, start, message.SeenNs);
                break;
            case Phase.Start or Phase.Resync:
                break;
            default:
                BreakOff(ref message, side, end, message.SeenNs);
                start = end;
                break;
        }
        _hasLost = true;
        LoseFraming(ref message, side, start, end);
    }

    /// <summary>Where the next message starts is not known any more.</summary>
    /// <param name="message">The side's state.</param>
    /// <param name="side">The side.</param>
    /// <param name="lostFrom">Offset of the first byte lost outside of a known message.</param>
    /// <param name="lostTo">Offset after the last.</param>
    private void LoseFraming(ref MessageState message, Side side, long lostFrom, long lostTo)
    {
        message.EndMessage(Phase.Resync);
        if (!IsClient(side))
        {
            _isServerLossy = true;
            if (_response.IsActive && !_response.IsDone)
            {
                // Interim responses came, and what they led up to may be lost.
                _response.Clear();
            }
        }
        if (!IsServer(side) && lostTo > lostFrom)
        {
            _lostRequestsFrom = _lostRequestsTo > _lostRequestsFrom ? _lostRequestsFrom : lostFrom;
            _lostRequestsTo = lostTo;
        }
    }

    /// <summary>Ends a message in its middle.</summary>
    private void BreakOff(ref MessageState message, Side side, long endOffset, long endNs)
    {
        switch (message.Phase)
        {
            case Phase.LongRequestLine or Phase.Headers or Phase.SkipHeaderLine:
                message.IsHeadTruncated = true;
                message.BodyBytes = -1;
                if (IsServer(side) && _headStatus is < 200 and not 101)
                {
                    EndInterimEarly(ref message);
                    return;
                }
                break;
            case Phase.Body:
                message.BodyBytes = Math.Max(0, Math.Min(endOffset, message.BodyEnd) - message.BodyStart);
                break;
            case Phase.ChunkData:
                message.BodyBytes += Math.Max(0, Math.Min(endOffset, message.BodyEnd) - message.BodyStart);
                break;
        }
        bool opens = IsServer(side) && message.BodyBytes < 0 && SwitchesProtocol();
        message.IsBodyIncomplete = !opens;
        _response.Switches |= opens;
        CompleteMessage(ref message, side, endOffset, endNs);
        IsOpaque |= opens;
    }

    private void EndInterimEarly(ref MessageState message)
    {
        message.BodyStart = message.SeenOffset;
        EndInterim(ref message);
    }

    /// <inheritdoc/>
    public override void OnEnd(Side side, in DataInfo info)
    {
        if (IsOpaque)
        {
            return;
        }
        ref MessageState message = ref side == Side.A ? ref _a : ref _b;
        bool skips = message.Phase is Phase.Body or Phase.ChunkData or Phase.UntilClose or Phase.AfterConnect;
        if (info.Offset > message.SeenOffset && !skips)
        {
            OnGap(side, info.Offset - message.SeenOffset, in info);
        }
        message.SeenOffset = Math.Max(message.SeenOffset, info.Offset);
        message.IsEnded = true;
        EndSide(ref message, side, TransactionError.ConnectionClosed, info.TimestampNs);
        if (IsServer(side))
        {
            FailPending(TransactionError.ConnectionClosed);
        }
    }

    /// <summary>No more bytes come from a side: what it was sending ends.</summary>
    private void EndSide(ref MessageState message, Side side, string? error, long endNs)
    {
        switch (message.Phase)
        {
            case Phase.Start or Phase.Resync or Phase.AfterConnect:
                message.EndMessage(message.Phase);
                return;
            case Phase.UntilClose when message.IsEnded:
                message.BodyBytes = message.SeenOffset - message.BodyStart;
                CompleteMessage(ref message, side, message.SeenOffset, endNs);
                return;
            case Phase.UntilClose:
                message.BodyBytes = message.SeenOffset - message.BodyStart;
                break;
            case Phase.Body when message.SeenOffset >= message.BodyEnd:
                message.BodyBytes = message.ContentLength;
                CompleteMessage(ref message, side, message.BodyEnd, endNs);
                return;
        }
        if (IsServer(side) && _response.IsActive)
        {
            _response.Error = error;
        }
        BreakOff(ref message, side, message.SeenOffset, message.SeenNs);
    }

    /// <inheritdoc/>
    public override void OnClose(EndReason reason, long timestampNs)
    {
        if (IsOpaque)
        {
            return;
        }
        string error = reason switch
        {
            EndReason.Finished => TransactionError.ConnectionClosed,
            EndReason.Reset => TransactionError.ConnectionReset,
            _ => TransactionError.NotCaptured,
        };
        SeeAcknowledged(ref Client, Server.PeerOffset);
        SeeAcknowledged(ref Server, Client.PeerOffset);
        EndSide(ref Client, _clientSide, error: null, timestampNs);
        EndSide(ref Server, _clientSide.Other(), error == TransactionError.NotCaptured ? null : error, timestampNs);
        if (_response.IsDone)
        {
            EmitPaired();
        }
        FailPending(error);
    }

    /// <summary>Bytes of a body that were not wanted have been sent all the same, as the other side's acknowledgement shows.</summary>
    private static void SeeAcknowledged(ref MessageState message, long acknowledged)
    {
        if (message.Phase is Phase.Body or Phase.ChunkData or Phase.UntilClose)
        {
            message.SeenOffset = Math.Max(message.SeenOffset, acknowledged);
        }
    }

    /// <summary>Reports all requests that wait, for no response can come.</summary>
    private void FailPending(string error)
    {
        if (_response.IsDone)
        {
            return;
        }
        while (_queue.Count > 0)
        {
            EmitUnanswered(ErrorOfUnanswered(error), TransactionFlags.None);
        }
        _response.Clear();
    }

    /// <summary>Why there is no answer: what was lost, or not understood, cannot be blamed on the server.</summary>
    private string ErrorOfUnanswered(string error) => error == TransactionError.NotCaptured ? error
        : (_isServerLossy && _hasLost) || (!Server.IsEnded && Client.PeerOffset > Server.SeenOffset) ? TransactionError.NotCaptured
        : Server.SawCruft && error == TransactionError.ConnectionClosed ? TransactionError.Malformed
        : error;

    /// <inheritdoc/>
    public override void OnTick(long nowNs)
    {
        // While a response is under way its request is answered, and those behind it cannot be yet.
        bool isAnswering = _response is { IsActive: true, IsPaired: true, Status: not 0 };
        for (int i = 0; i < _queue.Count && !isAnswering && !IsOpaque; i++)
        {
            ref PendingRequest request = ref _queue[i];
            if (!request.IsComplete || nowNs - request.EndNs < _requestTimeoutNs)
            {
                break;
            }
            if (!request.IsReported)
            {
                EmitTimedOut(i);
            }
        }
    }
}
