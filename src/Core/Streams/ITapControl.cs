namespace KubeBpfBox.Core.Streams;

/// <summary>What the stream engine can tell the place where packets are copied, to save it work. Every call is a hint.</summary>
public interface ITapControl
{
    /// <summary>The connection's protocol is known: capture it in full.</summary>
    void Capture(Connection connection);

    /// <summary>The connection is of no interest any more.</summary>
    void Ignore(Connection connection);

    /// <summary>The connection was joined in the middle of something unknown: only packets that turn the direction around are of use.</summary>
    void Probe(Connection connection);

    /// <summary>Bytes of a side before <paramref name="sequence"/> are not wanted.</summary>
    void SkipUntil(Connection connection, Side side, uint sequence);
}
