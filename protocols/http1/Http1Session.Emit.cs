using System.Runtime.CompilerServices;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <content>From state to <see cref="Transaction"/>.</content>
public sealed partial class Http1Session
{
    private const string ProtocolName = "http";
    private const int MaxAttributesLength = 320;

    private static string? VersionName(byte minorVersion) => minorVersion switch
    {
        0 => "1.0",
        1 => "1.1",
        SimpleVersion => "0.9",
        _ => null,
    };

    /// <summary>Emits the oldest request with the current response, and is done with both.</summary>
    [SkipLocalsInit]
    private void EmitPaired()
    {
        ref PendingRequest request = ref _queue.Oldest;
        if (!_response.IsSilent)
        {
            Span<byte> buffer = stackalloc byte[MaxAttributesLength];
            long bodyBytes = _response.IsHeadTruncated ? -1 : _response.BodyBytes;
            Emit(new Transaction
            {
                Connection = Connection!,
                Protocol = ProtocolName,
                ClientSide = _clientSide,
                StartNs = request.StartNs,
                DurationNs = Math.Max(0, _response.EndNs - request.StartNs),
                TimeToFirstByteNs = Math.Max(0, _response.FinalStartNs - request.StartNs),
                Method = _queue.Text(in request, 0, request.MethodLength),
                Target = TargetOf(in request),
                Host = HostOf(in request),
                Version = VersionName(request.MinorVersion),
                Status = _response.Status,
                RequestBytes = BytesOf(in request),
                ResponseBytes = _response.Bytes,
                RequestBodyBytes = request.IsComplete ? request.BodyBytes : -1,
                ResponseBodyBytes = bodyBytes,
                Error = _response.Error,
                Flags = RequestFlags(in request) | ResponseFlags(),
                Attributes = WriteAttributes(buffer, in request, hasResponse: true),
            });
        }
        _response.IsActive = _response.IsPaired = _response.IsDone = false;
        DropOldest();
    }

    /// <summary>Emits the current response alone.</summary>
    [SkipLocalsInit]
    private void EmitOrphan()
    {
        if (!_response.IsSilent)
        {
            Span<byte> buffer = stackalloc byte[MaxAttributesLength];
            PendingRequest none = default;
            Emit(new Transaction
            {
                Connection = Connection!,
                Protocol = ProtocolName,
                ClientSide = _clientSide,
                StartNs = _response.FirstStartNs,
                Status = _response.Status,
                ResponseBytes = _response.Bytes,
                ResponseBodyBytes = _response.IsHeadTruncated ? -1 : _response.BodyBytes,
                Error = _response.Error,
                Flags = ResponseFlags(),
                Attributes = WriteAttributes(buffer, in none, hasResponse: true),
            });
        }
        _response.IsActive = false;
    }

    /// <summary>Emits the oldest request alone, unless it was reported, and drops it.</summary>
    private void EmitUnanswered(string error, TransactionFlags flags)
    {
        ref PendingRequest request = ref _queue.Oldest;
        if (!request.IsReported)
        {
            EmitAlone(in request, error, flags);
        }
        DropOldest();
    }

    /// <summary>Emits a request that waited too long; it keeps its place so that a late response finds it.</summary>
    private void EmitTimedOut(int index)
    {
        ref PendingRequest request = ref _queue[index];
        EmitAlone(in request, ErrorOfUnanswered(TransactionError.Timeout), TransactionFlags.None);
        request.IsReported = true;
        if (index == 0 && _response is { IsActive: true, IsPaired: true })
        {
            _response.IsSilent = true;
        }
    }

    [SkipLocalsInit]
    private void EmitAlone(in PendingRequest request, string error, TransactionFlags flags)
    {
        Span<byte> buffer = stackalloc byte[MaxAttributesLength];
        bool isAnswering = _response is { IsActive: true, IsPaired: true } && Unsafe.AreSame(in request, in _queue.Oldest);
        Emit(new Transaction
        {
            Connection = Connection!,
            Protocol = ProtocolName,
            ClientSide = _clientSide,
            StartNs = request.StartNs,
            Method = _queue.Text(in request, 0, request.MethodLength),
            Target = TargetOf(in request),
            Host = HostOf(in request),
            Version = VersionName(request.MinorVersion),
            RequestBytes = BytesOf(in request),
            ResponseBytes = isAnswering ? _response.Bytes : 0,
            RequestBodyBytes = request.IsComplete ? request.BodyBytes : -1,
            Error = error,
            Flags = RequestFlags(in request) | flags,
            Attributes = WriteAttributes(buffer, in request, isAnswering),
        });
    }

    private void DropOldest()
    {
        bool wasConnect = _queue.Oldest.IsConnect;
        if (_isRequestOpen && _queue.Count == 1)
        {
            _isRequestOpen = false;
        }
        _queue.DropOldest();
        if (wasConnect && Client.Phase == Phase.AfterConnect)
        {
            Client.EndMessage(Phase.Resync);
        }
    }

    private ReadOnlySpan<byte> TargetOf(scoped in PendingRequest request) => _queue.Text(in request, request.MethodLength + 1, request.TargetLength);

    /// <summary>The Host field, or what stands in its place in the target (RFC 9112 section 3.2).</summary>
    private ReadOnlySpan<byte> HostOf(scoped in PendingRequest request)
    {
        if (request.HostLength != 0)
        {
            return _queue.Text(in request, request.HostAt, request.HostLength);
        }
        ReadOnlySpan<byte> target = TargetOf(in request);
        if (target.IsEmpty || target[0] is (byte)'/' or (byte)'*')
        {
            return [];
        }
        if (request.IsConnect)
        {
            int space = target.IndexOf((byte)' ');
            return space < 0 ? target : target[..space];
        }
        int scheme = target.IndexOf("://"u8);
        if (scheme <= 0 || !Http1Grammar.IsToken(target[..scheme]))
        {
            return [];
        }
        ReadOnlySpan<byte> authority = target[(scheme + 3)..];
        int end = authority.IndexOfAny("/?#"u8);
        authority = end < 0 ? authority : authority[..end];
        return authority[(authority.LastIndexOf((byte)'@') + 1)..];
    }

    private long BytesOf(in PendingRequest request) => request.IsComplete ? request.Bytes : Client.SeenOffset - request.StartOffset;

    private TransactionFlags RequestFlags(in PendingRequest request) =>
        (request.IsHeadTruncated || (!request.IsComplete && Client.IsHeadTruncated) ? TransactionFlags.RequestTruncated : 0)
        | (request.IsBodyIncomplete || !request.IsComplete ? TransactionFlags.BodyIncomplete : 0);

    private TransactionFlags ResponseFlags() =>
        (_response.IsHeadTruncated ? TransactionFlags.ResponseTruncated : 0)
        | (_response.IsBodyIncomplete ? TransactionFlags.BodyIncomplete : 0)
        | (_response.IsPairedAfterLoss ? TransactionFlags.PairedAfterLoss : 0);

    private ReadOnlySpan<byte> WriteAttributes(Span<byte> buffer, scoped in PendingRequest request, bool hasResponse)
    {
        int interimCount = hasResponse ? _response.InterimCount : 0;
        int status = hasResponse ? _response.Status : 0;
        bool isTunnel = request.IsConnect && status is >= 200 and < 300;
        if (interimCount == 0 && status != 101 && !request.HasTraceContext && !isTunnel)
        {
            return [];
        }
        AttributeWriter writer = new(buffer);
        if (request.HasTraceContext)
        {
            TraceContext.ReadFrom(_queue.Text(in request, request.TraceContextAt, TraceContext.Size)).AddTo(ref writer);
        }
        if (interimCount != 0)
        {
            WriteInterim(ref writer);
        }
        if (isTunnel)
        {
            writer.TryAdd("tunnel"u8, true);
        }
        if (status == 101)
        {
            writer.TryAdd("upgrade"u8, _response.Upgrade[.._response.UpgradeLength]);
        }
        return writer.Written;
    }

    private void WriteInterim(scoped ref AttributeWriter writer)
    {
        Span<long> codes = stackalloc long[ResponseState.MaxInterim];
        for (int i = 0; i < _response.InterimCount; i++)
        {
            codes[i] = _response.Interim[i];
        }
        writer.TryAdd("interim"u8, codes[.._response.InterimCount]);
    }
}
