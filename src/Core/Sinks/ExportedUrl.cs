using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Core.Sinks;

/// <summary>How much of a request's target leaves the agent: the setting export.url.</summary>
public enum ExportedUrl
{
    /// <summary>Without its query: what stands behind the question mark is often personal.</summary>
    Path,

    /// <summary>As on the wire.</summary>
    Full,

    /// <summary>Only the route: identifiers are replaced.</summary>
    Route,
}

/// <summary>Applies <see cref="ExportedUrl"/>.</summary>
public static class ExportedTarget
{
    /// <summary>What of a transaction's target may be stored or sent.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="url">How much.</param>
    /// <param name="buffer">At least <see cref="RouteTemplate.MaxBytes"/> bytes; the result may lie in it.</param>
    /// <returns>Bytes of the wire, or a route; aliases the transaction or <paramref name="buffer"/>.</returns>
    public static ReadOnlySpan<byte> Of(in Transaction transaction, ExportedUrl url, Span<byte> buffer)
    {
        ReadOnlySpan<byte> target = transaction.Target;
        if (url == ExportedUrl.Route)
        {
            return buffer[..RouteTemplate.Write(target, buffer)];
        }
        int query = url == ExportedUrl.Path ? target.IndexOfAny((byte)'?', (byte)'#') : -1;
        return query < 0 ? target : target[..query];
    }
}
