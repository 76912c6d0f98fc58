using System.Runtime.CompilerServices;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <content>Which response answers which request.</content>
/// <remarks>
/// By order (RFC 9112 section 9.3.2) as long as nothing was lost. After a loss acknowledgement numbers tell two things for certain: a
/// response at offset s whose sender had received p bytes of requests can answer only a request that starts before p and that was sent when
/// its client had received no more than s. See README.md for the cases.
/// </remarks>
public sealed partial class Http1Session
{
    /// <summary>Bytes of responses were lost and no response has been paired since.</summary>
    private bool _isServerLossy;

    /// <summary>A loss was seen, as opposed to a capture that joined late.</summary>
    private bool _hasLost;

    /// <summary>Where request bytes were lost outside of any known request: from, and up to; equal when nowhere.</summary>
    private long _lostRequestsFrom;
    private long _lostRequestsTo;

    /// <summary>Responses to come that answer requests which were dropped from the full queue.</summary>
    private int _droppedUnanswered;

    private void ResetPairing()
    {
        _isServerLossy = _hasLost = false;
        _lostRequestsFrom = _lostRequestsTo = 0;
        _droppedUnanswered = 0;
    }

    private void BeginRequest(ref MessageState message, ReadOnlySpan<byte> line, int methodLength, int targetLength, byte minorVersion)
    {
        message.BeginHead();
        while (_queue.Count == RequestQueue.Capacity || (!_queue.TryEnsureRoom(methodLength + 64) && _queue.Count > 0))
        {
            DropForRoom();
        }
        bool isCrowded = _queue.UsedTextBytes > RequestQueue.MaxTextBytes / 4;
        ref PendingRequest request = ref _queue.Add();
        request.StartNs = message.StartNs;
        request.StartOffset = message.StartOffset;
        request.StartPeerOffset = message.StartPeerOffset;
        request.MinorVersion = minorVersion;
        request.MethodLength = (byte)methodLength;
        request.IsHead = methodLength == 4 && line.StartsWith("HEAD"u8);
        request.IsConnect = methodLength == 7 && line.StartsWith("CONNECT"u8);
        int kept = methodLength + 1 + Math.Min(targetLength, isCrowded ? 384 : MaxTargetLength);
        kept = _queue.AppendText(line[..kept], out _);
        request.TargetLength = (ushort)(kept - methodLength - 1);
        message.IsHeadTruncated = request.TargetLength < targetLength;
        _isRequestOpen = true;
    }

    private void SetHost(ref PendingRequest request, ReadOnlySpan<byte> value)
    {
        if (request.HostLength == 0)
        {
            int most = _queue.UsedTextBytes > RequestQueue.MaxTextBytes / 4 ? 128 : 512;
            request.HostLength = (ushort)_queue.AppendText(value[..Math.Min(value.Length, most)], out request.HostAt);
        }
    }

    /// <summary>Keeps the trace context, packed. Of two fields nobody knows which is meant, so neither counts.</summary>
    [SkipLocalsInit]
    private void SetTraceparent(ref PendingRequest request, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            return;
        }
        if (request.HasTraceparent || value.Length > MaxTraceparentLength || !TraceContext.TryParse(value, out TraceContext context))
        {
            request.HasTraceparent = true;
            request.HasTraceContext = false;
            return;
        }
        Span<byte> packed = stackalloc byte[TraceContext.Size];
        context.WriteTo(packed);
        request.HasTraceparent = true;
        request.HasTraceContext = _queue.AppendText(packed, out request.TraceContextAt) == packed.Length;
    }

    private void BeginResponse(ref MessageState message, int status, byte minorVersion)
    {
        message.BeginHead();
        message.Closes = minorVersion == 0;
        _headStatus = status;
        if (_response.IsDone)
        {
            // The next answer has begun, so the request that seemed unfinished was not.
            EmitPaired();
        }
        if (!_response.IsActive)
        {
            _response.Clear();
            _response.IsActive = true;
            _response.FirstStartNs = message.StartNs;
            Pair(message.StartOffset, message.StartPeerOffset);
        }
        if (status is >= 200 or 101)
        {
            _response.Status = status;
            _response.FinalStartNs = message.StartNs;
            _response.UpgradeLength = 0;
        }
    }

    /// <summary>Decides whom the response that starts answers; in the end it answers the oldest pending request or none.</summary>
    /// <param name="start">Offset of the response's first byte.</param>
    /// <param name="received">How much of the client's bytes the server had then; below 0 when not known.</param>
    private void Pair(long start, long received)
    {
        if (_isServerLossy)
        {
            PairAfterServerLoss(start, received);
            return;
        }
        if (_droppedUnanswered > 0)
        {
            _droppedUnanswered--;
            _response.IsSilent = true;
            return;
        }
        if (_queue.Count == 0)
        {
            return;
        }
        ref PendingRequest oldest = ref _queue.Oldest;
        if (_lostRequestsTo > _lostRequestsFrom && oldest.StartOffset >= _lostRequestsTo)
        {
            // The response may be for a request that was lost before this one.
            if (!CanAnswer(in oldest, start, received))
            {
                return;
            }
            _lostRequestsFrom = _lostRequestsTo;
            _response.IsPairedAfterLoss = true;
        }
        else if (received >= 0 && received <= oldest.StartOffset)
        {
            return;
        }
        _response.IsPaired = true;
        _response.IsSilent = oldest.IsReported;
    }

    /// <summary>
    /// Responses may have been lost: the newest request that the server had received whole is the one answered, or the first of those that
    /// were pipelined with it. All before it have lost their answers.
    /// </summary>
    private void PairAfterServerLoss(long start, long received)
    {
        int chosen = NewestAnswerable(start, received);
        if (chosen < 0)
        {
            return;
        }
        ref PendingRequest request = ref _queue[chosen];
        _droppedUnanswered = 0;
        _isServerLossy = false;
        bool isLostRequests = _lostRequestsTo > _lostRequestsFrom;
        // What the server had beyond all that was seen held another request, though the loss may not have shown yet. (One byte may be a FIN.)
        bool hasUnseen = received > Client.SeenOffset + 1 && Client.Phase is (Phase.Start or Phase.Resync);
        bool answersLost = request.IsComplete
            && (hasUnseen || (isLostRequests && _lostRequestsFrom >= request.EndOffset && received >= _lostRequestsTo));
        if (!answersLost)
        {
            while (chosen > 0 && IsPipelined(in _queue[chosen - 1], in _queue[chosen]))
            {
                chosen--;
            }
        }
        for (int lost = answersLost ? chosen + 1 : chosen; lost > 0; lost--)
        {
            EmitUnanswered(TransactionError.NotCaptured, _hasLost ? TransactionFlags.PairedAfterLoss : TransactionFlags.None);
        }
        if (isLostRequests && received >= _lostRequestsTo)
        {
            _lostRequestsFrom = _lostRequestsTo;
        }
        if (!answersLost)
        {
            _response.IsPaired = true;
            _response.IsPairedAfterLoss = _hasLost;
            _response.IsSilent = _queue.Oldest.IsReported;
        }
    }

    /// <summary>Index of the newest request that may be answered: one received whole if there is one, else one begun. -1 for none.</summary>
    private int NewestAnswerable(long start, long received)
    {
        int begun = -1;
        for (int i = _queue.Count - 1; i >= 0; i--)
        {
            ref PendingRequest request = ref _queue[i];
            if (!CanAnswer(in request, start, received))
            {
                continue;
            }
            if (request.IsComplete && (received < 0 || request.EndOffset <= received))
            {
                return i;
            }
            begun = begun < 0 ? i : begun;
        }
        return begun;
    }

    private static bool CanAnswer(in PendingRequest request, long start, long received) =>
        (received < 0 || request.StartOffset < received) && request.StartPeerOffset <= start;

    /// <summary>True when the client sent the second without having received a byte since it began the first.</summary>
    private static bool IsPipelined(in PendingRequest first, in PendingRequest second) =>
        first.StartPeerOffset >= 0 && first.StartPeerOffset == second.StartPeerOffset;

    /// <summary>The queue is full: the oldest is given up, and its response will be passed over.</summary>
    private void DropForRoom()
    {
        bool isAnswering = _response is { IsActive: true, IsPaired: true };
        if (isAnswering && _response.Status != 0)
        {
            _response.IsBodyIncomplete = true;
            _response.EndNs = Server.SeenNs;
            _response.Bytes += Server.SeenOffset - Server.StartOffset;
            EmitPaired();
            _response.IsActive = _response.IsSilent = true;
            return;
        }
        EmitUnanswered(TransactionError.NotCaptured, TransactionFlags.None);
        if (isAnswering)
        {
            _response.Clear();
        }
        _droppedUnanswered = Math.Min(_droppedUnanswered + 1, int.MaxValue - 1);
    }
}
