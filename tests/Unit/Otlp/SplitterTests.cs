using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.Otlp;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Otlp;

public sealed class SplitterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(17)]
    public void Divided_to_the_end_every_span_is_there_once_with_its_resource(int spans)
    {
        ProtoWriter writer = new();
        Resources resources = new("node", "1");
        SpanWriter spanWriter = new(writer, default, "ot=th:0");
        for (int i = 0; i < spans; i += 3)
        {
            Resources.Opened opened = resources.Open(writer, new Workload($"w{i}", "cgroup"), withContainerId: true);
            for (int j = i; j < Math.Min(i + 3, spans); j++)
            {
                spanWriter.Write(TestTransactions.Make(target: $"/n{j}"), new SpanPlace((UInt128)(uint)(j + 1), 0));
            }
            Resources.Close(writer, opened);
        }
        List<ExportBatch> pieces = DivideAll(new ExportBatch(ExportKind.Log, spans, 1, writer.Written.ToArray()));
        Assert.All(pieces, static piece => Assert.Equal(1, piece.Items));
        Assert.Equal(spans, pieces.Count);
        for (int i = 0; i < spans; i++)
        {
            ProtoTree tree = new(pieces[i].Payload.Span);
            Assert.Equal(($"w{i / 3 * 3}", $"GET /n{i}"), (tree.One(1, 1).Attributes(1)["service.name"], tree.One(1, 2, 2).Text(5)));
            Assert.Equal("kubebpfbox", tree.One(1, 2, 1).Text(1));
        }
    }

    [Fact]
    public void Points_are_divided_and_keep_what_their_metric_is()
    {
        ProtoWriter writer = new();
        MetricWriter metrics = new(writer);
        Resources.Opened opened = new Resources("node", "1").OpenAgent(writer);
        metrics.OpenCounter("a"u8, "By"u8, "A."u8);
        metrics.Point(1, 2, 10L);
        metrics.Point(1, 2, 11L);
        metrics.Point(1, 2, 12L);
        metrics.Close();
        metrics.OpenGauge("b"u8, default, "B."u8);
        metrics.Point(0, 2, 0.5);
        metrics.Close();
        Resources.Close(writer, opened);
        List<ExportBatch> pieces = DivideAll(new ExportBatch(ExportKind.Aggregates, 4, 1, writer.Written.ToArray()));
        Assert.Equal(4, pieces.Count);
        Assert.Equal([10UL, 11UL, 12UL], pieces.Take(3).Select(static piece => new ProtoTree(piece.Payload.Span).One(1, 2, 2, 7, 1).Number(6)));
        Assert.All(pieces.Take(3), static piece =>
        {
            ProtoTree metric = new ProtoTree(piece.Payload.Span).One(1, 2, 2);
            Assert.Equal(("a", "By", 2UL, 1UL), (metric.Text(1), metric.Text(3), metric.One(7).Number(2), metric.One(7).Number(3)));
        });
        Assert.Equal(0.5, new ProtoTree(pieces[3].Payload.Span).One(1, 2, 2, 5, 1).Double(4));
    }

    [Fact]
    public void Nonsense_is_one_item_at_most() =>
        Assert.False(OtlpSplitter.TrySplit(new ExportBatch(ExportKind.Log, 5, 1, new byte[] { 0xFF, 0xFF, 1, 2, 3 }), out _, out _));

    private static List<ExportBatch> DivideAll(ExportBatch batch)
    {
        if (!OtlpSplitter.TrySplit(batch, out ExportBatch first, out ExportBatch second))
        {
            return [batch];
        }
        Assert.Equal((batch.Items, batch.Kind), (first.Items + second.Items, second.Kind));
        return [.. DivideAll(first), .. DivideAll(second)];
    }
}
