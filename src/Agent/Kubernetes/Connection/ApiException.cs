using System.Net;
using KubeBpfBox.Agent.Kubernetes.Objects;

namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>The API server did not give what was asked for. Message: what happened, without an end mark.</summary>
/// <param name="message">What happened.</param>
/// <param name="advice">What to do about it.</param>
internal sealed class ApiException(string message, string advice) : Exception(message)
{
    /// <summary>What to do about it.</summary>
    public string Advice => advice;

    /// <summary>The status of the answer; null when there was none.</summary>
    public HttpStatusCode? Status { get; init; }

    /// <summary>How long the server asked to be left alone.</summary>
    public TimeSpan RetryAfter { get; init; }

    /// <summary>The error that a watch ended with.</summary>
    public static ApiException FromStatus(Status? status) => FromStatus((HttpStatusCode)(status?.Code ?? 0), status?.Message, TimeSpan.Zero);

    /// <summary>An answer that is no success.</summary>
    public static ApiException FromStatus(HttpStatusCode code, string? message, TimeSpan retryAfter) => new($"{OneLine(message)} ({(int)code})", code switch
    {
        HttpStatusCode.Unauthorized => "renew the token or certificate",
        HttpStatusCode.Forbidden => "grant this with a ClusterRole (the agent's README lists what it needs)",
        HttpStatusCode.NotFound => "see whether the address of the API server is right",
        HttpStatusCode.TooManyRequests => "the API server is busy; the agent asks again",
        _ => "see the API server's log; the agent asks again",
    })
    {
        Status = code,
        RetryAfter = retryAfter,
    };

    /// <summary>A message of others, safe to print and not too long.</summary>
    public static string OneLine(string? message)
    {
        string text = string.IsNullOrWhiteSpace(message) ? "no reason given" : message.Trim();
        text = text.Length > 300 ? text[..300] + "…" : text;
        return string.Create(text.Length, text, static (line, source) =>
        {
            for (int i = 0; i < line.Length; i++)
            {
                line[i] = char.IsControl(source[i]) ? ' ' : source[i];
            }
        });
    }
}
