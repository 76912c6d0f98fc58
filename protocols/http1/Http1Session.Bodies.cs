using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <content>How long a message is, and its body (RFC 9112 sections 6 and 7).</content>
public sealed partial class Http1Session
{
    /// <summary>Status of the head being read.</summary>
    private int _headStatus;

    private long EndRequestHead(ref MessageState message, int at, in DataInfo info)
    {
        EndHead(ref message, info.Offset + at);
        if (_isRequestOpen && _queue.Newest.IsConnect)
        {
            // A CONNECT has no content (RFC 9110 section 9.3.6): what follows is the tunnel's, if the answer opens it.
            CompleteMessage(ref message, _clientSide, message.BodyStart, message.SeenNs);
            message.Phase = IsOpaque ? Phase.Start : Phase.AfterConnect;
            return at;
        }
        if (message.HasTransferEncoding && message.IsChunked)
        {
            message.Phase = Phase.ChunkSize;
            return at;
        }
        if (message.HasTransferEncoding || message.ContentLength == MessageState.InvalidLength)
        {
            // The length cannot be told, and the server must refuse (RFC 9112 section 6.3, items 4 and 5).
            message.BodyBytes = -1;
            return EndWithoutFraming(ref message, _clientSide, at, info.Offset + at);
        }
        return message.ContentLength > 0
            ? BeginBody(ref message, _clientSide, at, in info)
            : EndWithoutBody(ref message, _clientSide, at);
    }

    private long EndResponseHead(ref MessageState message, int at, in DataInfo info)
    {
        EndHead(ref message, info.Offset + at);
        Side server = _clientSide.Other();
        int status = _headStatus;
        if (status < 200 && status != 101)
        {
            EndInterim(ref message);
            return at;
        }
        bool isPaired = _response.IsPaired;
        if (SwitchesProtocol())
        {
            _response.Switches = true;
            CompleteMessage(ref message, server, message.BodyStart, message.SeenNs);
            IsOpaque = true;
            return at;
        }
        if (isPaired && _queue.Oldest.IsConnect && Client.Phase == Phase.AfterConnect)
        {
            Client.EndMessage(Phase.Start);
        }
        if (status is 204 or 304 || (isPaired && _queue.Oldest.IsHead))
        {
            return EndWithoutBody(ref message, server, at);
        }
        if (message.HasTransferEncoding)
        {
            message.Phase = message.IsChunked ? Phase.ChunkSize : Phase.UntilClose;
            return message.IsChunked ? at : long.MaxValue;
        }
        switch (message.ContentLength)
        {
            case 0:
                return EndWithoutBody(ref message, server, at);
            case > 0:
                message.MayHaveNoBody = !isPaired;
                return BeginBody(ref message, server, at, in info);
            case MessageState.InvalidLength:
                message.BodyBytes = -1;
                return EndWithoutFraming(ref message, server, at, info.Offset + at);
            default:
                if (isPaired || message.Closes)
                {
                    message.Phase = Phase.UntilClose;
                    return long.MaxValue;
                }
                // It may answer a HEAD: waiting for the close could hide all that follows.
                message.BodyBytes = -1;
                CompleteMessage(ref message, server, message.BodyStart, message.SeenNs);
                message.EndMessage(Phase.Resync);
                return at;
        }
    }

    /// <summary>True when nothing behind the current head is HTTP/1: an upgrade, or a tunnel (RFC 9110 sections 7.8 and 9.3.6).</summary>
    private bool SwitchesProtocol() =>
        _headStatus == 101 || (_headStatus is >= 200 and < 300 && _response.IsPaired && _queue.Oldest.IsConnect);

    private static void EndHead(ref MessageState message, long endOffset)
    {
        message.BodyStart = endOffset;
        message.Scanned = 0;
        message.IsHeadTruncated |= endOffset - message.StartOffset > MaxHeadBytes;
    }

    private void EndInterim(ref MessageState message)
    {
        if (_response.InterimCount < ResponseState.MaxInterim)
        {
            _response.Interim[_response.InterimCount++] = (short)_headStatus;
        }
        _response.Bytes += message.BodyStart - message.StartOffset;
        message.EndMessage(Phase.Start);
    }

    private long EndWithoutBody(ref MessageState message, Side side, int at)
    {
        CompleteMessage(ref message, side, message.BodyStart, message.SeenNs);
        return at;
    }

    /// <summary>The message ends nobody knows where: report it and look for the next.</summary>
    private long EndWithoutFraming(ref MessageState message, Side side, int at, long endOffset)
    {
        message.IsBodyIncomplete = true;
        CompleteMessage(ref message, side, endOffset, message.SeenNs);
        LoseFraming(ref message, side, endOffset, endOffset);
        return at;
    }

    private long BeginBody(ref MessageState message, Side side, int at, in DataInfo info)
    {
        message.Phase = Phase.Body;
        message.BodyEnd = message.BodyStart + message.ContentLength;
        return message.MayHaveNoBody || message.BodyEnd <= message.SeenOffset ? at : Body(ref message, side, default, at, in info);
    }

    private long Body(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        if (message.MayHaveNoBody)
        {
            ReadOnlySpan<byte> rest = data[at..Math.Min(data.Length, at + 7)];
            if ("HTTP/1."u8.StartsWith(rest))
            {
                if (rest.Length < 7)
                {
                    return ~at;
                }
                return EndWithoutBody(ref message, side, at);
            }
            message.MayHaveNoBody = false;
        }
        if (message.BodyEnd > message.SeenOffset)
        {
            // The last byte is left out of what is not wanted, so that its time is seen.
            return message.BodyEnd - 1 - info.Offset;
        }
        message.BodyBytes = message.ContentLength;
        CompleteMessage(ref message, side, message.BodyEnd, message.SeenNs);
        return Math.Max(at, message.BodyEnd - info.Offset);
    }

    private long ChunkSize(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        int end = FindLineEnd(ref message, data, at);
        bool isOverlong = end < 0 && data.Length - at > MaxKeptField;
        if (end < 0 && !isOverlong)
        {
            return ~at;
        }
        if (!Http1Grammar.TryParseChunkSize(end < 0 ? data[at..] : data[at..end], out long size))
        {
            message.SawCruft = true;
            return EndWithoutFraming(ref message, side, at, info.Offset + at);
        }
        message.ContentLength = size;
        message.Scanned = 0;
        if (isOverlong)
        {
            message.Phase = Phase.SkipChunkExtension;
            return data.Length;
        }
        return BeginChunk(ref message, end + 1, in info);
    }

    private static long SkipChunkExtension(ref MessageState message, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        int end = data[at..].IndexOf(Lf);
        return end < 0 ? data.Length : BeginChunk(ref message, at + end + 1, in info);
    }

    private static long BeginChunk(ref MessageState message, int at, in DataInfo info)
    {
        if (message.ContentLength == 0)
        {
            message.Phase = Phase.Trailers;
            return at;
        }
        message.Phase = Phase.ChunkData;
        message.BodyStart = info.Offset + at;
        message.BodyEnd = message.BodyStart + message.ContentLength;
        // The line end behind the data is wanted, and with it the time.
        return message.BodyEnd - info.Offset;
    }

    private static long ChunkData(ref MessageState message, int at, in DataInfo info)
    {
        if (message.BodyEnd > info.Offset + at)
        {
            return message.BodyEnd - info.Offset;
        }
        message.BodyBytes += message.ContentLength;
        message.Phase = Phase.ChunkDataEnd;
        return at;
    }

    private long ChunkDataEnd(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        int end = data[at] == Cr ? at + 1 : at;
        if (end == data.Length)
        {
            return ~at;
        }
        if (data[end] != Lf)
        {
            message.SawCruft = true;
            return EndWithoutFraming(ref message, side, at, info.Offset + at);
        }
        message.Phase = Phase.ChunkSize;
        return end + 1;
    }

    private long Trailers(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        int end = data[at..].IndexOf(Lf);
        if (end < 0)
        {
            if (data[at] == Cr && at + 1 == data.Length)
            {
                return ~at;
            }
            message.Phase = Phase.SkipTrailerLine;
            return data.Length;
        }
        if (end == 0 || (end == 1 && data[at] == Cr))
        {
            CompleteMessage(ref message, side, info.Offset + at + end + 1, message.SeenNs);
        }
        return at + end + 1;
    }

    /// <summary>
    /// Chunk sizes passed without being copied, so only the last chunk (RFC 9112 section 7.1, without trailers) at the end of a segment, or the
    /// next response, tells where the body ends.
    /// </summary>
    private long BlindChunks(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        ReadOnlySpan<byte> rest = data[at..];
        ReadOnlySpan<byte> end = "\r\n0\r\n\r\n"u8;
        // The line end before it may have been lost.
        if (rest.EndsWith(end) || rest.SequenceEqual(end[2..]))
        {
            CompleteMessage(ref message, side, info.Offset + data.Length, info.TimestampNs);
            return data.Length;
        }
        Detection response = IsServer(side) ? Http1Detector.JudgeResponse(rest) : Detection.No;
        if (response == Detection.NeedMoreData)
        {
            return ~(long)at;
        }
        if (response == Detection.Yes)
        {
            message.IsBodyIncomplete = true;
            CompleteMessage(ref message, side, info.Offset + at, info.TimestampNs);
            return at;
        }
        int kept = Math.Min(end.Length - 1, rest.Length);
        while (kept > 0 && !rest.EndsWith(end[..kept]))
        {
            kept--;
        }
        return kept == 0 ? data.Length : ~(long)(data.Length - kept);
    }
}
