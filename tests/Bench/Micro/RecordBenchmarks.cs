using System.Buffers;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Bench.Micro;

/// <summary>What becomes of a transaction: a series, a line, a route, a bucket.</summary>
internal static class RecordBenchmarks
{
    private const int Operations = 100_000;
    private static readonly Connection Local = Connection.Create(Endpoint.From([10, 0, 0, 1], 80), Endpoint.From([10, 0, 0, 2], 40_000), isLocalSocket: true);

    public static IEnumerable<MicroBenchmark> All()
    {
        RedTable red = new();
        yield return new("red: transaction of a known series", Operations, () =>
        {
            red.Enter();
            for (int i = 0; i < Operations; i++)
            {
                red.OnTransaction(Make("/api/v1/users/42/orders?limit=20"u8, i));
            }
            red.Exit();
        });

        CallTable calls = new(red);
        yield return new("calls: transaction of a known call", Operations, () =>
        {
            red.Enter();
            for (int i = 0; i < Operations; i++)
            {
                calls.OnTransaction(Make("/api/v1/users/42/orders?limit=20"u8, i));
            }
            red.Exit();
        });

        byte[][] targets = [.. Enumerable.Range(0, 4096).Select(static i => System.Text.Encoding.ASCII.GetBytes($"/api/v1/users/{i}/orders"))];
        RedTable varied = new();
        yield return new("red: transaction of a known series, 4,096 different targets", Operations, () =>
        {
            varied.Enter();
            for (int i = 0; i < Operations; i++)
            {
                varied.OnTransaction(Make(targets[i & 4095], i));
            }
            varied.Exit();
        });

        ArrayBufferWriter<byte> output = new(1 << 16);
        yield return new("output: transaction as a line of JSON", Operations, () =>
        {
            for (int i = 0; i < Operations; i++)
            {
                if (output.WrittenCount > 1 << 15)
                {
                    output.ResetWrittenCount();
                }
                TransactionJson.Write(output, Make("/api/v1/users/42/orders?limit=20"u8, i));
            }
        });

        byte[] route = new byte[RouteTemplate.MaxBytes];
        yield return new("route: template of a target", Operations, () =>
        {
            for (int i = 0; i < Operations; i++)
            {
                RouteTemplate.Write("/api/v1/users/42/orders?limit=20"u8, route);
            }
        });

        DurationHistogram histogram = new();
        yield return new("histogram: duration recorded", Operations, () =>
        {
            for (int i = 0; i < Operations; i++)
            {
                histogram.Record(100_000 + (i * 17));
            }
        });
    }

    internal static Transaction Make(ReadOnlySpan<byte> target, int i, ReadOnlySpan<byte> attributes = default) => new()
    {
        Connection = Local,
        Protocol = "http",
        ClientSide = Side.B,
        StartNs = 1_700_000_000_000_000_000 + i,
        DurationNs = 150_000 + i,
        TimeToFirstByteNs = 140_000 + i,
        Method = "GET"u8,
        Target = target,
        Host = "shop.example.com"u8,
        Version = "1.1",
        Status = 200,
        RequestBytes = 390,
        ResponseBytes = 850,
        RequestBodyBytes = 0,
        ResponseBodyBytes = 612,
        Attributes = attributes,
    };
}
