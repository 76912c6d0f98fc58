using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <content>The search for the next message after a loss, in a capture that joined late, or behind bytes that are no message.</content>
public sealed partial class Http1Session
{
    /// <summary>Looks for the start of a message where none is known to be.</summary>
    /// <param name="message">The side's state.</param>
    /// <param name="side">The side.</param>
    /// <param name="data">The bytes.</param>
    /// <param name="at">Where to look: the start of a segment or of a line.</param>
    /// <param name="known">How many bytes were presented before: behind them a new segment starts.</param>
    private long Resync(ref MessageState message, Side side, ReadOnlySpan<byte> data, int at, int known)
    {
        if (IsServer(side))
        {
            return FindResponse(ref message, data, at);
        }
        if (known > 0 && known < data.Length && !HasRegisteredMethod(data) && IsRequestForCertain(data[known..]))
        {
            // What was kept of the segment before was the tail of something else.
            message.EndMessage(Phase.Start);
            return known;
        }
        while (at < data.Length)
        {
            ReadOnlySpan<byte> rest = data[at..];
            if (rest[0] is not (Cr or Lf))
            {
                Detection verdict = JudgeFor(side, rest);
                if (verdict == Detection.Yes && (!_isRoleKnown && rest.StartsWith("HTTP/"u8) || HasUpperMethod(rest)))
                {
                    message.EndMessage(Phase.Start);
                    return at;
                }
                if (verdict == Detection.NeedMoreData && HasUpperMethod(rest))
                {
                    message.Scanned = rest.Length;
                    return ~at;
                }
            }
            int end = rest.IndexOf(Lf);
            if (end < 0)
            {
                return data.Length;
            }
            at += end + 1;
        }
        return at;
    }

    private static long FindResponse(ref MessageState message, ReadOnlySpan<byte> data, int at)
    {
        while (true)
        {
            int found = data[at..].IndexOf((byte)'H');
            if (found < 0)
            {
                return data.Length;
            }
            at += found;
            switch (Http1Detector.JudgeResponse(data[at..]))
            {
                case Detection.Yes when data.Length - at > Http1Grammar.MinStatusLineLength:
                    message.EndMessage(Phase.Start);
                    return at;
                case Detection.No:
                    at++;
                    break;
                default:
                    return ~at;
            }
        }
    }

    private static bool IsRequestForCertain(ReadOnlySpan<byte> data) =>
        HasRegisteredMethod(data) && Http1Detector.JudgeRequest(data, mustDecide: false) == Detection.Yes;

    private static bool HasRegisteredMethod(ReadOnlySpan<byte> data) => Http1Grammar.IsCommonMethod(data[..Http1Grammar.TokenLength(data)]);

    /// <summary>Outside of a known order of messages only methods spelt like the registered ones are believed.</summary>
    private static bool HasUpperMethod(ReadOnlySpan<byte> data) => Http1Grammar.IsUpperToken(data[..Http1Grammar.TokenLength(data)]);
}
