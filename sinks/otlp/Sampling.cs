using System.Globalization;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Where a span stands.</summary>
/// <param name="TraceId">Its trace.</param>
/// <param name="ParentSpanId">The sender's span; 0 for the first of a trace.</param>
internal readonly record struct SpanPlace(UInt128 TraceId, ulong ParentSpanId);

/// <summary>Decides which requests become spans.</summary>
/// <remarks>
/// A request with a trace context follows its sampled flag: whoever began the trace decided for all of it. Any other gets a random trace id and is kept when
/// the id's last 56 bits are at least the threshold (1 - ratio) · 2^56, so that everyone who sees the id and asks for at least this ratio keeps it, too.
/// Threads: any. Allocates nothing. Source: OpenTelemetry SDK, "TraceIdRatioBased"; "TraceState: Probability Sampling", th and R.
/// </remarks>
internal sealed class Sampling
{
    private const int RandomBits = 56;
    private const ulong RandomMask = (1UL << RandomBits) - 1;
    private readonly ulong _threshold;

    /// <param name="ratio">From 0 (none) to 1 (all).</param>
    public Sampling(double ratio)
    {
        _threshold = (ulong)Math.Round((1 - Math.Clamp(ratio, 0, 1)) * (1UL << RandomBits));
        string digits = (_threshold & RandomMask).ToString("x14", CultureInfo.InvariantCulture).TrimEnd('0');
        TraceState = "ot=th:" + (digits.Length == 0 ? "0" : digits);
    }

    /// <summary>Of a span that was kept by the ratio: tells a backend how many it stands for.</summary>
    public string TraceState { get; }

    /// <summary>Judges a request.</summary>
    /// <returns>False when it is not to become a span.</returns>
    public bool TrySample(in Transaction transaction, out SpanPlace place)
    {
        if (TraceContext.TryRead(in transaction, out TraceContext context))
        {
            place = new SpanPlace(context.TraceId, context.ParentSpanId);
            return context.IsSampled;
        }
        ulong low = RandomId();
        if (!IsKept(low))
        {
            place = default;
            return false;
        }
        place = new SpanPlace(new UInt128(RandomId(), low), 0);
        return true;
    }

    /// <summary>Whether an id with these last eight bytes is kept.</summary>
    internal bool IsKept(ulong low) => (low & RandomMask) >= _threshold;

    /// <summary>A number of 63 random bits for an identifier; never 0, which W3C Trace Context reserves.</summary>
    public static ulong RandomId() => (ulong)Math.Max(1, Random.Shared.NextInt64());
}
