using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <content>HTTP/0.9: one line asks, everything up to the close answers (RFC 1945 sections 5 and 6).</content>
public sealed partial class Http1Session
{
    /// <summary>Stands for 0.9 where a minor version of HTTP/1 stands otherwise.</summary>
    private const byte SimpleVersion = 0x90;

    /// <summary>Takes a request of HTTP/0.9, which only the very first bytes of a connection can be.</summary>
    /// <param name="message">The side's state.</param>
    /// <param name="side">The side.</param>
    /// <param name="data">All that was sent.</param>
    /// <param name="at">Where the line starts.</param>
    /// <param name="info">Of the data.</param>
    private bool TryBeginSimpleRequest(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at, in DataInfo info)
    {
        if (_isRoleKnown || info.Offset + at != 0 || Connection is not { FromStart: true } || !Http1Detector.IsSimpleRequest(data[at..]))
        {
            return false;
        }
        _ = Http1Grammar.TryParseSimpleRequest(data[at..^2], out int methodLength, out int targetLength);
        LearnRole(side);
        BeginRequest(ref message, data[at..^2], methodLength, targetLength, SimpleVersion);
        CompleteMessage(ref message, side, info.Offset + data.Length, message.SeenNs);
        message.EndMessage(Phase.Resync);
        return true;
    }

    /// <summary>Takes whatever a server says to a request of HTTP/0.9, unless it says it in HTTP/1.</summary>
    private bool TryBeginSimpleResponse(ref MessageState message, Side side)
    {
        if (!IsServer(side) || _response.IsActive || _queue.Count != 1 || _queue.Oldest.MinorVersion != SimpleVersion)
        {
            return false;
        }
        message.BeginHead();
        message.BodyStart = message.StartOffset;
        message.Phase = Phase.UntilClose;
        _response.Clear();
        _response.IsActive = _response.IsPaired = true;
        _response.FirstStartNs = _response.FinalStartNs = message.StartNs;
        return true;
    }
}
