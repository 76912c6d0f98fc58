using System.Buffers.Binary;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Writes metrics: a name with its points.</summary>
/// <remarks>
/// Shape: Metric { name = 1, description = 2, unit = 3, gauge = 5 | sum = 7 | histogram = 9 }, each { data_points = 1, aggregation_temporality = 2, is_monotonic = 3 }.
/// All is cumulative. Units: times in nanoseconds since the Unix epoch. Source: opentelemetry/proto/metrics/v1/metrics.proto.
/// </remarks>
internal sealed class MetricWriter(ProtoWriter writer)
{
    /// <summary>Number of a point's attributes.</summary>
    public const int PointAttribute = 7;

    /// <summary>Number of a histogram point's attributes.</summary>
    public const int HistogramAttribute = 9;

    private const int Gauge = 5;
    private const int Sum = 7;
    private const int Histogram = 9;
    private const ulong Cumulative = 2;

    private readonly long[] _cumulative = new long[HttpDurations.Bounds.Count];
    private int _metric;
    private int _data;

    /// <summary>Points since the start.</summary>
    public int Points { get; private set; }

    /// <summary>Begins a sum that only grows.</summary>
    public void OpenCounter(ReadOnlySpan<byte> name, ReadOnlySpan<byte> unit, ReadOnlySpan<byte> description)
    {
        Open(name, unit, description, Sum);
        writer.Varint(2, Cumulative);
        writer.Varint(3, 1);
    }

    /// <summary>Begins a sum that grows and shrinks, such as what is in use.</summary>
    public void OpenUpDownCounter(ReadOnlySpan<byte> name, ReadOnlySpan<byte> unit, ReadOnlySpan<byte> description)
    {
        Open(name, unit, description, Sum);
        writer.Varint(2, Cumulative);
    }

    /// <summary>Begins a gauge.</summary>
    public void OpenGauge(ReadOnlySpan<byte> name, ReadOnlySpan<byte> unit, ReadOnlySpan<byte> description) => Open(name, unit, description, Gauge);

    /// <summary>Begins a histogram.</summary>
    public void OpenHistogram(ReadOnlySpan<byte> name, ReadOnlySpan<byte> unit, ReadOnlySpan<byte> description)
    {
        Open(name, unit, description, Histogram);
        writer.Varint(2, Cumulative);
    }

    /// <summary>Ends the metric.</summary>
    public void Close()
    {
        writer.Close(_data);
        writer.Close(_metric);
    }

    /// <summary>Begins a point; its attributes follow.</summary>
    /// <param name="startNs">Since when it counts; 0 for a gauge.</param>
    /// <param name="nowNs">When it was read.</param>
    /// <returns>For <see cref="ProtoWriter.Close"/>.</returns>
    public int OpenPoint(long startNs, long nowNs)
    {
        Points++;
        int point = writer.Open(1);
        if (startNs != 0)
        {
            writer.Fixed64(2, (ulong)startNs);
        }
        writer.Fixed64(3, (ulong)nowNs);
        return point;
    }

    /// <summary>A point without attributes.</summary>
    public void Point(long startNs, long nowNs, double value)
    {
        int point = OpenPoint(startNs, nowNs);
        writer.Double(4, value);
        writer.Close(point);
    }

    /// <inheritdoc cref="Point(long, long, double)"/>
    public void Point(long startNs, long nowNs, long value)
    {
        int point = OpenPoint(startNs, nowNs);
        Value(value);
        writer.Close(point);
    }

    /// <summary>A point's value.</summary>
    public void Value(long value) => writer.Fixed64(6, (ulong)value);

    /// <summary>Durations as a histogram point's values, in seconds.</summary>
    public void Durations(DurationHistogram durations)
    {
        Array.Clear(_cumulative);
        durations.AddCumulative(HttpDurations.Bounds, _cumulative);
        writer.Fixed64(4, (ulong)durations.Count);
        writer.Double(5, durations.SumNs / 1e9);
        int counts = writer.Open(6);
        long below = 0;
        foreach (long atOrBelow in _cumulative)
        {
            writer.PackedFixed64((ulong)(atOrBelow - below));
            below = atOrBelow;
        }
        writer.PackedFixed64((ulong)(durations.Count - below));
        writer.Close(counts);
        int bounds = writer.Open(7);
        foreach (long boundNs in HttpDurations.BoundsNs)
        {
            writer.PackedFixed64(BitConverter.DoubleToUInt64Bits(boundNs / 1e9));
        }
        writer.Close(bounds);
        writer.Double(12, durations.MaxNs / 1e9);
    }

    /// <summary>Requests whose traces show what a histogram point is made of.</summary>
    public void Exemplars(IReadOnlyList<RedExemplar> exemplars)
    {
        Span<byte> id = stackalloc byte[16];
        foreach (RedExemplar one in exemplars)
        {
            int exemplar = writer.Open(8);
            writer.Fixed64(2, (ulong)one.EndNs);
            writer.Double(3, one.DurationNs / 1e9);
            BinaryPrimitives.WriteUInt64BigEndian(id, one.Trace.ParentSpanId);
            writer.Bytes(4, id[..8]);
            BinaryPrimitives.WriteUInt128BigEndian(id, one.Trace.TraceId);
            writer.Bytes(5, id);
            writer.Close(exemplar);
        }
    }

    private void Open(ReadOnlySpan<byte> name, ReadOnlySpan<byte> unit, ReadOnlySpan<byte> description, int kind)
    {
        _metric = writer.Open(Resources.Item);
        writer.Bytes(1, name);
        writer.Bytes(2, description);
        if (!unit.IsEmpty)
        {
            writer.Bytes(3, unit);
        }
        _data = writer.Open(kind);
    }
}
