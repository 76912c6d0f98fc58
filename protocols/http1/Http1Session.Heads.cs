using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <content>First lines and header fields (RFC 9112 sections 2 to 5).</content>
public sealed partial class Http1Session
{
    private const byte Lf = (byte)'\n';
    private const byte Cr = (byte)'\r';

    /// <summary>A tab with the bit that folds capitals.</summary>
    private const int FoldedTab = '\t' | 0x20;

    /// <summary>Longest " HTTP/1.1" with trailing white space and CR that is kept of an overlong request line.</summary>
    private const int VersionTail = 16;

    /// <summary>Finds the end of a line without searching again what was searched before.</summary>
    private static int FindLineEnd(ref MessageState message, ReadOnlySpan<byte> data, int at)
    {
        int from = at + message.Scanned;
        if (from > data.Length)
        {
            from = at;
        }
        int end = data[from..].IndexOf(Lf);
        message.Scanned = end < 0 ? data.Length - at : 0;
        return end < 0 ? -1 : from + end;
    }

    private static ReadOnlySpan<byte> LineAt(ReadOnlySpan<byte> data, int at, int end) =>
        data[at..(end > at && data[end - 1] == Cr ? end - 1 : end)];

    private long StartLine(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        if (!message.IsStarted)
        {
            // Empty lines in front of a message are ignored (RFC 9112 section 2.2).
            while (data[at] is Cr or Lf)
            {
                if (++at == data.Length)
                {
                    return at;
                }
            }
            message.Begin(info.Offset + at, in info);
        }
        int end = FindLineEnd(ref message, data, at);
        if (end < 0)
        {
            return UnfinishedStartLine(ref message, side, data, at);
        }
        ReadOnlySpan<byte> line = LineAt(data, at, end);
        if (!IsServer(side) && Http1Grammar.TryParseRequestLine(line, out int methodLength, out int targetLength, out byte minor))
        {
            LearnRole(side);
            BeginRequest(ref message, line, methodLength, targetLength, minor);
            return end + 1;
        }
        if (!IsClient(side) && Http1Grammar.TryParseStatusLine(line, out int status, out minor))
        {
            LearnRole(side.Other());
            BeginResponse(ref message, status, minor);
            return end + 1;
        }
        if (TryBeginSimpleRequest(ref message, side, data, at, in info))
        {
            return data.Length;
        }
        if (TryBeginSimpleResponse(ref message, side))
        {
            return long.MaxValue;
        }
        message.SawCruft = true;
        message.EndMessage(Phase.Resync);
        // A response may start anywhere behind; a request only at the start of a line.
        return IsServer(side) ? at + 1 : end + 1;
    }

    /// <summary>Decides whether to wait for the rest of a first line.</summary>
    private long UnfinishedStartLine(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at)
    {
        ReadOnlySpan<byte> line = data[at..];
        if (JudgeFor(side, line) == Detection.No)
        {
            if (TryBeginSimpleResponse(ref message, side))
            {
                return long.MaxValue;
            }
            message.SawCruft = true;
            message.EndMessage(Phase.Resync);
            return at;
        }
        if (!IsClient(side) && line.Length > MaxKeptField && Http1Grammar.TryParseStatusLine(line, out int status, out byte minor))
        {
            LearnRole(side.Other());
            BeginResponse(ref message, status, minor);
            message.Phase = Phase.SkipHeaderLine;
            return data.Length;
        }
        if (line.Length <= MaxKeptLine)
        {
            return ~at;
        }
        int space = line[..(Http1Grammar.MaxMethodLength + 1)].IndexOf((byte)' ');
        if (IsServer(side) || space <= 0)
        {
            message.SawCruft = true;
            message.EndMessage(Phase.Resync);
            return at;
        }
        LearnRole(side);
        BeginRequest(ref message, line, space, line.Length - space - 1 - VersionTail, minorVersion: byte.MaxValue);
        message.Phase = Phase.LongRequestLine;
        message.IsHeadTruncated = true;
        message.Scanned = VersionTail;
        return ~(data.Length - VersionTail);
    }

    private Detection JudgeFor(Side side, ReadOnlySpan<byte> data) => !_isRoleKnown ? Http1Detector.Judge(data)
        : side == _clientSide ? Http1Detector.JudgeRequest(data, mustDecide: false) : Http1Detector.JudgeResponse(data);

    /// <summary>Passes over a target that is too long to keep, up to the version at the line's end.</summary>
    private long LongRequestLine(ref MessageState message, ReadOnlySpan<byte> data, int at)
    {
        int end = FindLineEnd(ref message, data, at);
        if (end < 0)
        {
            int kept = Math.Min(VersionTail, data.Length - at);
            message.Scanned = kept;
            return ~(data.Length - kept);
        }
        ReadOnlySpan<byte> tail = LineAt(data, at, end).TrimEnd((byte)' ');
        if (tail.Length < 9 || !tail[^9..^1].SequenceEqual(" HTTP/1."u8) || (uint)tail[^1] - '0' > 9)
        {
            if (_isRequestOpen && _response.IsPaired && _queue.Count == 1)
            {
                message.IsBodyIncomplete = true;
                CompleteRequest(ref message, message.SeenOffset, message.SeenNs);
            }
            else if (_isRequestOpen)
            {
                _queue.DropNewest();
                _isRequestOpen = false;
            }
            message.SawCruft = true;
            message.EndMessage(Phase.Resync);
            return end + 1;
        }
        if (_isRequestOpen)
        {
            _queue.Newest.MinorVersion = (byte)(tail[^1] - '0');
        }
        message.Phase = Phase.Headers;
        return end + 1;
    }

    private static long SkipLine(ref MessageState message, ReadOnlySpan<byte> data, int at, Phase next)
    {
        int end = data[at..].IndexOf(Lf);
        if (end < 0)
        {
            return data.Length;
        }
        message.Phase = next;
        return at + end + 1;
    }

    private long RequestHeaders(ref MessageState message, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        LineEnds ends = new(data, at + message.Scanned <= data.Length ? at + message.Scanned : at);
        message.Scanned = 0;
        while (true)
        {
            int end = ends.Next();
            if (end < 0)
            {
                return UnfinishedHeader(ref message, data, at);
            }
            byte first = data[at];
            if (first is Cr or Lf && end - at <= 1)
            {
                return EndRequestHead(ref message, end + 1, in info);
            }
            // Most lines are of no interest, and their first letter says so.
            switch (first | 0x20)
            {
                case 'c' or 't' or 'h':
                    RequestField(ref message, LineAt(data, at, end));
                    break;
                case ' ' or FoldedTab:
                    FoldedLine(ref message, LineAt(data, at, end), isRequest: true);
                    break;
                default:
                    message.LastHeader = HeaderName.Other;
                    break;
            }
            at = end + 1;
            if (at == data.Length)
            {
                return at;
            }
        }
    }

    private long ResponseHeaders(ref MessageState message, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        LineEnds ends = new(data, at + message.Scanned <= data.Length ? at + message.Scanned : at);
        message.Scanned = 0;
        while (true)
        {
            int end = ends.Next();
            if (end < 0)
            {
                return UnfinishedHeader(ref message, data, at);
            }
            byte first = data[at];
            if (first is Cr or Lf && end - at <= 1)
            {
                return EndResponseHead(ref message, end + 1, in info);
            }
            switch (first | 0x20)
            {
                case 'c' or 't' or 'u':
                    ResponseField(ref message, LineAt(data, at, end));
                    break;
                case ' ' or FoldedTab:
                    FoldedLine(ref message, LineAt(data, at, end), isRequest: false);
                    break;
                default:
                    message.LastHeader = HeaderName.Other;
                    break;
            }
            at = end + 1;
            if (at == data.Length)
            {
                return at;
            }
        }
    }

    /// <summary>Keeps the start of a header line while it may matter, and passes over the rest of one that does not.</summary>
    private static long UnfinishedHeader(ref MessageState message, ReadOnlySpan<byte> data, int at)
    {
        ReadOnlySpan<byte> line = data[at..];
        message.Scanned = line.Length;
        if (line[0] is (byte)' ' or (byte)'\t')
        {
            if (message.LastHeader != HeaderName.Other && line.Length <= MaxKeptField)
            {
                return ~at;
            }
        }
        else if (line.Length < HeaderNames.LongestNameWithColon || (HeaderNames.Match(line, out _) != HeaderName.Other && line.Length <= MaxKeptField))
        {
            return ~at;
        }
        else if (HeaderNames.Match(line, out _) != HeaderName.Other)
        {
            message.IsHeadTruncated = true;
        }
        message.LastHeader = HeaderName.Other;
        message.Phase = Phase.SkipHeaderLine;
        message.Scanned = 0;
        return data.Length;
    }

    private void RequestField(ref MessageState message, ReadOnlySpan<byte> line)
    {
        message.LastHeader = HeaderNames.Match(line, out int valueAt);
        if (message.LastHeader != HeaderName.Other)
        {
            RequestValue(ref message, Http1Grammar.Trim(line[valueAt..]));
        }
    }

    private void RequestValue(ref MessageState message, ReadOnlySpan<byte> value)
    {
        switch (message.LastHeader)
        {
            case HeaderName.Host when _isRequestOpen:
                SetHost(ref _queue.Newest, value);
                break;
            case HeaderName.Traceparent when _isRequestOpen:
                SetTraceparent(ref _queue.Newest, value);
                break;
            default:
                Framing(ref message, value);
                break;
        }
    }

    private void ResponseField(ref MessageState message, ReadOnlySpan<byte> line)
    {
        message.LastHeader = HeaderNames.Match(line, out int valueAt);
        if (message.LastHeader != HeaderName.Other)
        {
            ResponseValue(ref message, Http1Grammar.Trim(line[valueAt..]));
        }
    }

    private void ResponseValue(ref MessageState message, ReadOnlySpan<byte> value)
    {
        if (message.LastHeader == HeaderName.Upgrade)
        {
            value = value[..Math.Min(value.Length, ResponseState.MaxUpgradeLength)];
            value.CopyTo(_response.Upgrade);
            _response.UpgradeLength = (byte)value.Length;
        }
        else
        {
            Framing(ref message, value);
        }
    }

    /// <summary>Takes in the fields that frame a body (RFC 9112 section 6).</summary>
    private static void Framing(ref MessageState message, ReadOnlySpan<byte> value)
    {
        switch (message.LastHeader)
        {
            case HeaderName.ContentLength when !value.IsEmpty:
                message.ContentLength = Http1Grammar.CombineContentLength(message.ContentLength, value);
                break;
            case HeaderName.TransferEncoding when Http1Grammar.EndsInChunked(value) is bool isChunked:
                message.HasTransferEncoding = true;
                message.IsChunked = isChunked;
                break;
            case HeaderName.Connection:
                message.Closes = HeaderNames.EqualsIgnoreCase(value, "close"u8) || (message.Closes && !HeaderNames.EqualsIgnoreCase(value, "keep-alive"u8));
                break;
        }
    }

    /// <summary>A line that starts with white space continues the one before (obs-fold, RFC 9112 section 5.2).</summary>
    private void FoldedLine(ref MessageState message, ReadOnlySpan<byte> line, bool isRequest)
    {
        ReadOnlySpan<byte> value = Http1Grammar.Trim(line);
        if (message.LastHeader == HeaderName.Other || line[0] is not ((byte)' ' or (byte)'\t') || value.IsEmpty)
        {
            return;
        }
        if (message.LastHeader == HeaderName.ContentLength && message.ContentLength >= 0)
        {
            // "1" folded before "2" is "1 2", not 12 and not a list.
            message.ContentLength = MessageState.InvalidLength;
        }
        else if (isRequest)
        {
            RequestValue(ref message, value);
        }
        else
        {
            ResponseValue(ref message, value);
        }
    }
}
