namespace KubeBpfBox.Agent.Api;

/// <summary>The range of time that a query asks for: the last so and so long, or from and to; ends that are not given are null.</summary>
internal readonly record struct TimeRange(long? LastNs, long? SinceNs, long? UntilNs)
{
    /// <summary>Names of the parameters.</summary>
    public static IReadOnlyList<string> Names { get; } = ["last", "since", "until"];

    /// <summary>Reads <c>last</c>, or <c>since</c> and <c>until</c>.</summary>
    public static TimeRange Read(QueryReader query)
    {
        TimeRange range = new(query.DurationNs("last"), query.TimeNs("since"), query.TimeNs("until"));
        if (range.LastNs is not null && (range.SinceNs ?? range.UntilNs) is not null)
        {
            query.Refuse("last: ends now and goes without since and until; give the one or the other");
        }
        if (range.SinceNs >= range.UntilNs)
        {
            query.Refuse("since: is not before until");
        }
        return range;
    }

    /// <summary>First nanosecond wanted, where all is wanted unless told otherwise.</summary>
    public long StartNs(long nowNs) => LastNs is { } length ? Math.Max(0, nowNs - length) : SinceNs ?? 0;

    /// <summary>First nanosecond not wanted any more, likewise.</summary>
    public long EndNs => UntilNs ?? long.MaxValue;
}
