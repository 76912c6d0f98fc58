using System.Globalization;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>What is an error, and which methods are told apart.</summary>
/// <remarks>Source: OpenTelemetry semantic conventions for HTTP: http.request.method, error.type, span status.</remarks>
public static class RedRules
{
    /// <summary>OpenTelemetry's name for methods it does not know.</summary>
    public const string OtherMethod = "_OTHER";

    private const int FirstStatus = 400;
    private static readonly string?[] StatusTexts = new string?[600];

    /// <summary>The constant for a method of RFC 9110 section 9 or PATCH (RFC 5789); methods are case-sensitive.</summary>
    public static string MethodName(ReadOnlySpan<byte> method) => method.Length switch
    {
        3 when method.SequenceEqual("GET"u8) => "GET",
        3 when method.SequenceEqual("PUT"u8) => "PUT",
        4 when method.SequenceEqual("POST"u8) => "POST",
        4 when method.SequenceEqual("HEAD"u8) => "HEAD",
        5 when method.SequenceEqual("PATCH"u8) => "PATCH",
        5 when method.SequenceEqual("TRACE"u8) => "TRACE",
        6 when method.SequenceEqual("DELETE"u8) => "DELETE",
        7 when method.SequenceEqual("OPTIONS"u8) => "OPTIONS",
        7 when method.SequenceEqual("CONNECT"u8) => "CONNECT",
        _ => OtherMethod,
    };

    /// <summary>Why a transaction counts as an error of its series; null when it does not.</summary>
    /// <remarks>
    /// A server's errors are 5xx and answers that failed to come; a client's are 4xx too. What the capture missed
    /// (<see cref="TransactionError.NotCaptured"/>) is nobody's error.
    /// </remarks>
    public static string? ErrorType(string? role, int status, string? error)
    {
        if (status >= (role == "client" ? 400 : 500))
        {
            return StatusText(status);
        }
        return error switch
        {
            TransactionError.Timeout or TransactionError.ConnectionReset => error,
            TransactionError.ConnectionClosed when status == 0 => error,
            _ => null,
        };
    }

    /// <summary>How long a transaction took; -1 when it has no duration, or nobody knows whether an answer came.</summary>
    internal static long DurationNs(in Transaction transaction) =>
        transaction.Status == 0 && transaction.Error == TransactionError.NotCaptured ? -1 : transaction.DurationNs;

    private static string StatusText(int status)
    {
        int index = status - FirstStatus;
        return (uint)index >= (uint)StatusTexts.Length
            ? status.ToString(CultureInfo.InvariantCulture)
            : StatusTexts[index] ??= status.ToString(CultureInfo.InvariantCulture);
    }
}
