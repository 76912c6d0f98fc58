using KubeBpfBox.Core.Export;
using KubeBpfBox.Sinks.Otlp;

namespace KubeBpfBox.Unit.Otlp;

public sealed class AddressTests
{
    [Theory]
    [InlineData("http://c:4318", OtlpProtocol.HttpProtobuf, ExportKind.Log, "http://c:4318/v1/traces")]
    [InlineData("http://c:4318/", OtlpProtocol.HttpProtobuf, ExportKind.Events, "http://c:4318/v1/logs")]
    [InlineData("https://c/base", OtlpProtocol.HttpProtobuf, ExportKind.Aggregates, "https://c/base/v1/metrics")]
    [InlineData("https://c/base/", OtlpProtocol.HttpProtobuf, ExportKind.Aggregates, "https://c/base/v1/metrics")]
    [InlineData("http://c:4317", OtlpProtocol.Grpc, ExportKind.Log, "http://c:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export")]
    [InlineData("http://c:4317", OtlpProtocol.Grpc, ExportKind.Events, "http://c:4317/opentelemetry.proto.collector.logs.v1.LogsService/Export")]
    [InlineData("http://c:4317", OtlpProtocol.Grpc, ExportKind.Aggregates, "http://c:4317/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")]
    public void The_path_is_made_from_the_endpoint(string endpoint, OtlpProtocol protocol, ExportKind kind, string expected) =>
        Assert.Equal(expected, OtlpAddress.Of(new Uri(endpoint), protocol, kind).AbsoluteUri);

    [Theory]
    [InlineData("collector:4317")]
    [InlineData("ftp://c")]
    [InlineData("http://user:password@c:4317")]
    public void What_is_no_endpoint_is_refused_without_telling_it(string endpoint)
    {
        OtlpException e = Assert.Throws<OtlpException>(() => OtlpAddress.Of(new Uri(endpoint), OtlpProtocol.Grpc, ExportKind.Log));
        Assert.StartsWith("sinks.otlp.endpoint: ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("password", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Headers_are_read_as_the_environment_variable_of_the_sdks()
    {
        Assert.Equal(
            [new("api-key", "a=b"), new("authorization", "Basic abc="), new("x", "")],
            OtlpAddress.Headers(" Api-Key=a%3Db , authorization=Basic%20abc=,X="));
        Assert.Empty(OtlpAddress.Headers(string.Empty));
    }

    [Theory]
    [InlineData("=secret")]
    [InlineData("secret")]
    [InlineData("bad name=secret")]
    [InlineData("a=1,te=secret")]
    [InlineData("k=secret%0d%0ax: y")]
    public void Headers_that_cannot_be_sent_are_refused_without_telling_their_values(string headers)
    {
        OtlpException e = Assert.Throws<OtlpException>(() => OtlpAddress.Headers(headers));
        Assert.StartsWith("sinks.otlp.headers: ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
    }
}
