namespace KubeBpfBox.Core.Red;

/// <summary>Turns a request target into a route of few values: "/users/4711?x=1" is "/users/{id}".</summary>
/// <remarks>
/// Shape: the path alone (query, fragment, scheme, authority, ";parameters" and doubled slashes are dropped), each segment judged by
/// <see cref="RouteSegment"/>; placeholders are {id}, {date}, {hash} (in a file name), {long} (over 64 bytes), {rest} (more than 8
/// segments or no room) and {authority} (CONNECT). Bytes that are not printable ASCII become '?', so a route is always ASCII.
/// Errors: none. Total: any bytes give a route of at most <see cref="MaxBytes"/>; work ends with the eighth segment.
/// Source: RFC 9112 section 3.2 (forms of the target), RFC 3986 section 3.3 (path).
/// </remarks>
public static class RouteTemplate
{
    /// <summary>Longest route.</summary>
    public const int MaxBytes = 256;

    /// <summary>Most segments shown.</summary>
    public const int MaxSegments = 8;

    /// <summary>Longest segment that is looked into.</summary>
    public const int MaxSegmentBytes = 64;

    /// <summary>Writes the route of <paramref name="target"/>.</summary>
    /// <param name="target">As on the wire; may be empty or nonsense.</param>
    /// <param name="destination">Where to; <see cref="MaxBytes"/> always suffice, a shorter one gets a shorter route.</param>
    /// <returns>How many bytes were written.</returns>
    public static int Write(ReadOnlySpan<byte> target, Span<byte> destination)
    {
        RouteWriter writer = new(destination.Length > MaxBytes ? destination[..MaxBytes] : destination);
        if (target.IsEmpty)
        {
            return 0;
        }
        if (target[0] != (byte)'/')
        {
            if (target is [(byte)'*'])
            {
                writer.TryAppend("*"u8);
                return writer.Length;
            }
            if (!TryCutAuthority(ref target))
            {
                writer.TryAppend("{authority}"u8);
                return writer.Length;
            }
        }
        WritePath(target, ref writer);
        return writer.Length;
    }

    /// <summary>Leaves the path of an absolute form. False when the target has no path: an authority, or nonsense.</summary>
    private static bool TryCutAuthority(ref ReadOnlySpan<byte> target)
    {
        int colon = target.IndexOf((byte)':');
        if (colon > 0 && target[colon..].StartsWith("://"u8))
        {
            target = target[(colon + 3)..];
            int end = target.IndexOfAny((byte)'/', (byte)'?', (byte)'#');
            target = end < 0 ? default : target[end..];
            return true;
        }
        // "index.html" and "a/b" are no valid targets but mean a path; "host:port" is CONNECT's.
        return colon < 0;
    }

    private static void WritePath(ReadOnlySpan<byte> path, ref RouteWriter writer)
    {
        int at = 0;
        int segments = 0;
        bool slashAtEnd = true;
        while (at < path.Length)
        {
            ulong sums = 0;
            int start = at;
            int limit = Math.Min(path.Length, start + MaxSegmentBytes + 1);
            ulong weight = 0;
            while (at < limit && (weight = RouteBytes.Weight(path[at])) < RouteBytes.End)
            {
                sums += weight;
                at++;
            }
            if (at < path.Length && weight < RouteBytes.End)
            {
                int rest = path[at..].IndexOfAny((byte)'/', (byte)'?', (byte)'#');
                at = rest < 0 ? path.Length : at + rest;
            }
            bool isLast = at == path.Length || path[at] != (byte)'/';
            if (at > start)
            {
                if (++segments > MaxSegments || !RouteSegment.TryWrite(path[start..at], sums, isLast, ref writer))
                {
                    writer.AppendRest();
                    return;
                }
                slashAtEnd = false;
            }
            if (isLast)
            {
                break;
            }
            slashAtEnd = true;
            at++;
        }
        if (slashAtEnd || writer.Length == 0)
        {
            writer.TryAppend("/"u8);
        }
    }
}

/// <summary>Appends pieces of a route while they fit, keeping room for "/{rest}" until the end.</summary>
internal ref struct RouteWriter(Span<byte> destination)
{
    private static ReadOnlySpan<byte> Rest => "/{rest}"u8;

    private readonly Span<byte> _destination = destination;

    /// <summary>Bytes written.</summary>
    public int Length { get; set; }

    /// <summary>Appends all of <paramref name="piece"/> or nothing.</summary>
    public bool TryAppend(scoped ReadOnlySpan<byte> piece)
    {
        if (!piece.TryCopyTo(_destination[Length..]))
        {
            return false;
        }
        Length += piece.Length;
        return true;
    }

    /// <summary>Appends "/" and <paramref name="segment"/>, leaving room for <see cref="AppendRest"/>; all or nothing.</summary>
    public bool TryAppendSegment(scoped ReadOnlySpan<byte> segment)
    {
        if (_destination.Length - Length < segment.Length + 1 + Rest.Length)
        {
            return false;
        }
        _destination[Length] = (byte)'/';
        segment.CopyTo(_destination[(Length + 1)..]);
        Length += segment.Length + 1;
        return true;
    }

    /// <summary>Says that more followed.</summary>
    public void AppendRest() => TryAppend(Rest);
}
