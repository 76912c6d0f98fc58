using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Streams;

/// <summary>How much of a flow is wanted.</summary>
public enum FlowVerdict
{
    /// <summary>Nothing was said: its protocol is not known yet.</summary>
    Unknown = 0,

    /// <summary>The protocol is known: capture it in full.</summary>
    Capture = 1,

    /// <summary>Of no interest until it starts anew.</summary>
    Ignore = 2,

    /// <summary>Joined in the middle of something unknown: only packets that turn the direction around are of use.</summary>
    Probe = 3,
}

/// <summary>What a <see cref="FlowTable"/> can tell the place where packets are filtered by their addresses, to save it work. Every call is a hint.</summary>
public interface IFlowControl
{
    /// <summary>Says how much is wanted of what <paramref name="source"/> sends to <paramref name="destination"/>.</summary>
    void SetVerdict(Endpoint source, Endpoint destination, FlowVerdict verdict);

    /// <summary>Bytes that <paramref name="source"/> sends to <paramref name="destination"/> before <paramref name="sequence"/> are not wanted.</summary>
    void SkipUntil(Endpoint source, Endpoint destination, uint sequence);
}
