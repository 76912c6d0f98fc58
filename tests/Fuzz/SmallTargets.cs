using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Fuzz;

/// <summary>A transaction's texts and attributes of any bytes, as JSON and as a terminal line.</summary>
internal sealed class TransactionJsonTarget : IFuzzTarget
{
    public string Name => "json";

    public IEnumerable<byte[]> Seeds() => [.. new[] { "GET|/a?b=c|host|upgrade", "P\"O\\ST|/\u00e9\u20ac\u0001|h|x" }.Select(Encoding.UTF8.GetBytes)];

    public void Run(byte[] input)
    {
        Span<byte> attributes = stackalloc byte[300];
        AttributeWriter writer = new(attributes);
        ReadOnlySpan<byte> rest = input;
        ReadOnlySpan<byte> method = Take(ref rest), target = Take(ref rest), host = Take(ref rest);
        writer.TryAdd("key"u8, rest[..Math.Min(rest.Length, 256)]);
        Transaction transaction = new()
        {
            Connection = Connection.Create(Endpoint.From([10, 0, 0, 1], 1), Endpoint.From([10, 0, 0, 2], 2)),
            Protocol = "http",
            ClientSide = Side.A,
            StartNs = 1_700_000_000_000_000_000 + input.Length,
            Method = method,
            Target = target,
            Host = host,
            Status = 200,
            // What was written here, or what was not.
            Attributes = input.Length % 2 == 0 ? writer.Written : rest,
        };
        new CheckingObserver().OnTransaction(in transaction);
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> rest)
    {
        int end = rest.IndexOf((byte)'|');
        ReadOnlySpan<byte> part = end < 0 ? rest : rest[..end];
        rest = end < 0 ? [] : rest[(end + 1)..];
        return part;
    }
}

/// <summary>Targets to routes.</summary>
internal sealed class RouteTarget : IFuzzTarget
{
    public string Name => "route";

    public IEnumerable<byte[]> Seeds() =>
    [
        .. new[]
        {
            "/users/42/orders/7f9c24e8-3b12-4fef-91e0-5d2c1a6a0b11", "/a/b/c?x=1#y", "http://host:80/path;v=1", "*", "host:443", "/v1/%2e%2e/0xdeadbeef",
            "/2024-05-06/report_1715000000.json",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    public void Run(byte[] input)
    {
        Span<byte> route = stackalloc byte[RouteTemplate.MaxBytes];
        int length = RouteTemplate.Write(input, route);
        FuzzException.Require(length is >= 0 and <= RouteTemplate.MaxBytes, "longer than its limit");
        Span<byte> again = stackalloc byte[RouteTemplate.MaxBytes];
        int same = RouteTemplate.Write(input, again);
        FuzzException.Require(route[..length].SequenceEqual(again[..same]), "not the same twice");
        FuzzException.Require(!route[..length].ContainsAnyInRange((byte)0, (byte)0x1f), "a control character in a route");
    }
}

/// <summary>Stored histograms.</summary>
internal sealed class HistogramTarget : IFuzzTarget
{
    public string Name => "histogram";

    public IEnumerable<byte[]> Seeds()
    {
        DurationHistogram histogram = new();
        yield return histogram.Serialize();
        for (long ns = 1; ns < 1L << 50; ns *= 3)
        {
            histogram.Record(ns);
            yield return histogram.Serialize();
        }
    }

    public void Run(byte[] input)
    {
        DurationHistogram sum = new();
        sum.Record(1 << 20);
        byte[] before = sum.Serialize();
        bool isAdded = sum.TryAddSerialized(input);
        if (!DurationHistogram.TryDeserialize(input, out DurationHistogram? histogram))
        {
            FuzzException.Require(!isAdded && before.AsSpan().SequenceEqual(sum.Serialize()), "what is no histogram was added");
            return;
        }
        DurationHistogram expected = histogram.Clone();
        expected.Record(1 << 20);
        FuzzException.Require(isAdded && (sum.Count, sum.SumNs, sum.MaxNs) == (DurationHistogram.AddSaturating(histogram.Count, 1), expected.SumNs, expected.MaxNs), "what was added is not what was stored");
        FuzzException.Require(histogram.Count >= 0, "a negative count");
        long last = 0;
        for (double q = 0; q <= 1; q += 0.1)
        {
            long quantile = histogram.QuantileNs(q);
            FuzzException.Require(quantile >= last, "quantiles go down");
            last = quantile;
        }
        FuzzException.Require(DurationHistogram.TryDeserialize(histogram.Serialize(), out DurationHistogram? again) && again.Count == histogram.Count
            && again.SumNs == histogram.SumNs && again.MaxNs == histogram.MaxNs, "what was read is not what is written");
        histogram.Add(again!);
    }
}

/// <summary>Protocol-specific fields.</summary>
internal sealed class AttributesTarget : IFuzzTarget
{
    public string Name => "attributes";

    public IEnumerable<byte[]> Seeds()
    {
        byte[] buffer = new byte[256];
        AttributeWriter writer = new(buffer);
        writer.TryAdd("interim"u8, [100, 103]);
        writer.TryAdd("upgrade"u8, "websocket"u8);
        writer.TryAdd("tunnel"u8, true);
        yield return writer.Written.ToArray();
    }

    public void Run(byte[] input)
    {
        AttributeReader reader = new(input);
        int total = 0;
        while (reader.TryRead())
        {
            total += 4 + reader.Key.Length + reader.Value.Length;
            for (int i = 0; i < reader.NumberCount; i++)
            {
                _ = reader.NumberAt(i);
            }
        }
        FuzzException.Require(total <= input.Length, "read more than there is");
    }
}
