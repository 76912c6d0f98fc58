using System.Text.Json;

namespace KubeBpfBox.Agent.Kubernetes.Watching;

/// <summary>What a watch tells of an object.</summary>
internal enum WatchKind
{
    /// <summary>A kind that is not known; nothing to do.</summary>
    Other,

    Added,
    Modified,
    Deleted,

    /// <summary>Nothing happened up to this resource version.</summary>
    Bookmark,

    /// <summary>The watch is over; the object is a Status.</summary>
    Error,
}

/// <summary>Takes a line of a watch apart.</summary>
/// <remarks>Shape: {"type":"ADDED","object":{…}}, in either order. Errors: <see cref="TryRead"/> is false for what is not that.</remarks>
internal static class WatchLine
{
    /// <summary>Finds the kind, and where the object is.</summary>
    public static bool TryRead(ReadOnlySpan<byte> line, out WatchKind kind, out ReadOnlySpan<byte> @object)
    {
        kind = WatchKind.Other;
        @object = default;
        Utf8JsonReader reader = new(line);
        bool hasKind = false;
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isKind = reader.ValueTextEquals("type"u8);
                bool isObject = reader.ValueTextEquals("object"u8);
                reader.Read();
                int start = (int)reader.TokenStartIndex;
                if (isKind)
                {
                    kind = KindOf(ref reader);
                    hasKind = true;
                }
                reader.Skip();
                if (isObject)
                {
                    @object = line[start..(int)reader.BytesConsumed];
                }
            }
            // To the end of the line: what follows the object would be damage.
            return reader.TokenType == JsonTokenType.EndObject && !reader.Read() && hasKind && !@object.IsEmpty && @object[0] == (byte)'{';
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static WatchKind KindOf(ref Utf8JsonReader reader) =>
        reader.TokenType != JsonTokenType.String ? WatchKind.Other
        : reader.ValueTextEquals("ADDED"u8) ? WatchKind.Added
        : reader.ValueTextEquals("MODIFIED"u8) ? WatchKind.Modified
        : reader.ValueTextEquals("DELETED"u8) ? WatchKind.Deleted
        : reader.ValueTextEquals("BOOKMARK"u8) ? WatchKind.Bookmark
        : reader.ValueTextEquals("ERROR"u8) ? WatchKind.Error
        : WatchKind.Other;
}
