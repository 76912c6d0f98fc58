using System.Net;
using System.Text;
using System.Text.Unicode;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Sinks.Otlp;

namespace KubeBpfBox.Fuzz;

/// <summary>A request of any bytes as a span; and any bytes as what a collector answers, and as a batch to be divided.</summary>
internal sealed class OtlpTarget : IFuzzTarget
{
    public string Name => "otlp";

    public IEnumerable<byte[]> Seeds() =>
    [
        "http://user:password@host:80/users/42?token=x#y"u8.ToArray(), "/\u00e9\u20ac?a=http://b"u8.ToArray(), "[2001:db8::1]:8080"u8.ToArray(),
        Span("/a"u8, "h"u8), [.. Span("/a"u8, "h"u8), .. Span("/b"u8, "h"u8)],
        // partial_success { rejected: 2, error_message: "too old" }
        Convert.FromHexString("0a0b08021207746f6f206f6c64"),
        // google.rpc.Status with a RetryInfo
        Convert.FromBase64String("CA4aNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIKCggIAxCAyrXuAQ=="),
    ];

    public void Run(byte[] input)
    {
        Check(Span(input, input.AsSpan(input.Length / 2)));
        foreach (HttpStatusCode status in (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.BadRequest])
        {
            Check(HttpAnswer.Read(status, input, "application/x-protobuf", null));
        }
        using HttpResponseMessage response = new();
        response.TrailingHeaders.TryAddWithoutValidation("grpc-status", "8");
        response.TrailingHeaders.TryAddWithoutValidation("grpc-message", Encoding.Latin1.GetString(input));
        response.TrailingHeaders.TryAddWithoutValidation("grpc-status-details-bin", Convert.ToBase64String(input).TrimEnd('='));
        Check(GrpcAnswer.Read(response, input, null));
        foreach (ExportKind kind in (ExportKind[])[ExportKind.Log, ExportKind.Aggregates])
        {
            Divide(new ExportBatch(kind, int.MaxValue, 1, input));
        }
    }

    private static void Check(ExportResult result)
    {
        FuzzException.Require(result.RejectedItems >= 0 && result.RetryAfter is null or { Ticks: > 0 }, "an answer of nonsense");
        FuzzException.Require(result.Reason is null || (result.Reason.Length < 500 && !result.Reason.Any(char.IsControl)), "a reason that is not one short line");
    }

    private static void Divide(ExportBatch batch)
    {
        if (OtlpSplitter.TrySplit(batch, out ExportBatch first, out ExportBatch second))
        {
            FuzzException.Require(first.Items > 0 && second.Items > 0 && second.Items - first.Items is 0 or 1, "no halves");
            Divide(first);
            Divide(second);
        }
    }

    /// <summary>Every text of a span is UTF-8, whatever the wire had, and its lengths fit each other.</summary>
    private static void Check(ReadOnlySpan<byte> request)
    {
        ProtoReader reader = new(request);
        FuzzException.Require(reader.TryRead() && reader.Raw.Length == request.Length, "a span that ends early");
        ProtoReader span = new(reader.Bytes);
        while (span.TryRead())
        {
            if (span.Field == 5)
            {
                FuzzException.Require(Utf8.IsValid(span.Bytes), "a name that is no UTF-8");
            }
            else if (span.Field == 9)
            {
                CheckAttribute(span.Bytes);
            }
        }
    }

    private static void CheckAttribute(ReadOnlySpan<byte> attribute)
    {
        ProtoReader pair = new(attribute);
        FuzzException.Require(pair.TryRead() && pair.Field == 1, "an attribute without a key");
        bool isUrl = pair.Bytes.SequenceEqual("url.full"u8);
        FuzzException.Require(pair.TryRead() && pair.Field == 2, "an attribute without a value");
        ProtoReader value = new(pair.Bytes);
        FuzzException.Require(value.TryRead(), "an attribute with an empty value");
        FuzzException.Require(!value.HasBytes || Utf8.IsValid(value.Bytes), "a text that is no UTF-8");
        if (isUrl)
        {
            ReadOnlySpan<byte> authority = value.Bytes["http://".Length..];
            int path = authority.IndexOf((byte)'/');
            FuzzException.Require(path >= 0 && !authority[..path].Contains((byte)'@'), "a user name, and perhaps a password, in a URL");
        }
    }

    private static byte[] Span(ReadOnlySpan<byte> target, ReadOnlySpan<byte> host)
    {
        ProtoWriter writer = new();
        Transaction transaction = new()
        {
            Connection = Connection.Create(Endpoint.From([10, 0, 0, 1], 1), Endpoint.From([10, 0, 0, 2], 2), isLocalSocket: true),
            Protocol = "http",
            ClientSide = Side.A,
            StartNs = 1_700_000_000_000_000_000,
            Method = host,
            Target = target,
            Host = host,
            Status = target.Length,
        };
        new SpanWriter(writer, ExportedUrl.Full, "ot=th:0").Write(in transaction, new SpanPlace(1, 2));
        return writer.Written.ToArray();
    }
}
