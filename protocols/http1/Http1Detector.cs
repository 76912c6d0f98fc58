using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Protocols.Http1;

/// <summary>Judges whether bytes start an HTTP/1 message. Total and side-effect free.</summary>
/// <remarks>Source: RFC 9112 sections 3 and 4. Work is bounded by <see cref="Window"/> bytes.</remarks>
internal static class Http1Detector
{
    /// <summary>After so many bytes the answer is yes or no.</summary>
    public const int Window = 256;

    private static ReadOnlySpan<byte> StatusPattern => "HTTP/1.d ddd"u8;

    /// <summary>Judges bytes of which it is not known who sent them.</summary>
    public static Detection Judge(ReadOnlySpan<byte> data)
    {
        int start = data.IndexOfAnyExcept((byte)'\r', (byte)'\n');
        if (start < 0)
        {
            return data.Length < Window ? Detection.NeedMoreData : Detection.No;
        }
        // Empty lines before a message are let pass (RFC 9112 section 2.2) and count against the window.
        bool isFull = data.Length >= Window;
        ReadOnlySpan<byte> message = data[start..];
        Detection response = JudgeResponse(message);
        Detection verdict = response == Detection.No ? JudgeRequest(message, isFull) : response;
        if (verdict == Detection.No && start == 0 && IsSimpleRequest(data))
        {
            return Detection.Yes;
        }
        return isFull && verdict == Detection.NeedMoreData ? Detection.No : verdict;
    }

    /// <summary>True for a line of HTTP/0.9 with nothing behind it.</summary>
    public static bool IsSimpleRequest(ReadOnlySpan<byte> data) =>
        data.EndsWith("\r\n"u8) && Http1Grammar.TryParseSimpleRequest(data[..^2], out _, out _);

    /// <summary>Judges bytes that can only be a response.</summary>
    public static Detection JudgeResponse(ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> pattern = StatusPattern;
        int length = Math.Min(data.Length, pattern.Length);
        for (int i = 0; i < length; i++)
        {
            if (pattern[i] == 'd' ? (uint)data[i] - '0' > 9 : data[i] != pattern[i])
            {
                return Detection.No;
            }
        }
        return length < pattern.Length ? Detection.NeedMoreData
            : Http1Grammar.TryParseStatusLine(data[..Math.Min(data.Length, pattern.Length + 1)], out _, out _) ? Detection.Yes : Detection.No;
    }

    /// <summary>Judges bytes that can only be a request.</summary>
    /// <param name="data">Starts at the method.</param>
    /// <param name="mustDecide">True when no more bytes are to be waited for.</param>
    public static Detection JudgeRequest(ReadOnlySpan<byte> data, bool mustDecide)
    {
        mustDecide |= data.Length >= Window;
        data = data[..Math.Min(data.Length, Window)];
        int methodLength = Http1Grammar.TokenLength(data[..Math.Min(data.Length, Http1Grammar.MaxMethodLength + 1)]);
        if (methodLength is 0 or > Http1Grammar.MaxMethodLength)
        {
            return Detection.No;
        }
        if (methodLength == data.Length)
        {
            return mustDecide ? Detection.No : Detection.NeedMoreData;
        }
        if (data[methodLength] != ' ')
        {
            return Detection.No;
        }
        ReadOnlySpan<byte> rest = data[(methodLength + 1)..];
        int end = rest.IndexOf((byte)'\n');
        if (end >= 0)
        {
            ReadOnlySpan<byte> line = data[..(methodLength + 1 + end)];
            return Http1Grammar.TryParseRequestLine(line.EndsWith("\r"u8) ? line[..^1] : line, out _, out _, out _) ? Detection.Yes : Detection.No;
        }
        if (!IsTargetStart(rest))
        {
            return Detection.No;
        }
        int version = rest.IndexOf(" HTTP/1."u8);
        if (version > 0 && version + 8 < rest.Length && (uint)rest[version + 8] - '0' <= 9)
        {
            return Detection.Yes;
        }
        return !mustDecide ? Detection.NeedMoreData : IsPlausible(data[..methodLength], rest) ? Detection.Yes : Detection.No;
    }

    private static bool IsTargetStart(ReadOnlySpan<byte> rest) =>
        rest.IsEmpty || (rest[0] != ' ' && Http1Grammar.HasNoControls(rest[^1] == '\r' ? rest[..^1] : rest));

    /// <summary>For a target that fills the window: there is no version to look at, so the method and the target's form must tell.</summary>
    private static bool IsPlausible(ReadOnlySpan<byte> method, ReadOnlySpan<byte> target) =>
        Http1Grammar.IsUpperToken(method) && (target.StartsWith("/"u8) || target.StartsWith("http"u8) || target.StartsWith("*"u8));
}
