using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Divides requests that are too large by their items, each half with the resources and scopes that its items need.</summary>
/// <remarks>
/// Shape: items lie at resource 1, scope 2, item 2; those of metrics two levels deeper: at data 5, 7 or 9, point 1. Everything beside goes into both halves.
/// </remarks>
internal static class OtlpSplitter
{
    private const int SpanLevels = 3;
    private const int PointLevels = 5;

    public static bool TrySplit(ExportBatch batch, out ExportBatch first, out ExportBatch second)
    {
        first = second = batch;
        int levels = batch.Kind == ExportKind.Aggregates ? PointLevels : SpanLevels;
        int items = Count(batch.Payload.Span, 0, levels);
        if (items < 2)
        {
            return false;
        }
        first = Part(batch, levels, 0, items / 2);
        second = Part(batch, levels, items / 2, items);
        return true;
    }

    private static ExportBatch Part(ExportBatch batch, int levels, int from, int to)
    {
        ProtoWriter writer = new();
        int index = 0;
        Copy(writer, batch.Payload.Span, 0, levels, ref index, from, to);
        return batch with { Items = to - from, Payload = writer.Written.ToArray() };
    }

    private static bool LeadsToItems(in ProtoReader field, int level) => field.HasBytes && level switch
    {
        0 => field.Field == 1,
        1 or 2 => field.Field == Resources.Item,
        3 => field.Field is 5 or 7 or 9,
        _ => field.Field == 1,
    };

    private static int Count(ReadOnlySpan<byte> message, int level, int levels)
    {
        if (level == levels)
        {
            return 1;
        }
        int items = 0;
        ProtoReader reader = new(message);
        while (reader.TryRead())
        {
            items += LeadsToItems(reader, level) ? Count(reader.Bytes, level + 1, levels) : 0;
        }
        return items;
    }

    private static void Copy(ProtoWriter writer, ReadOnlySpan<byte> message, int level, int levels, ref int index, int from, int to)
    {
        ProtoReader reader = new(message);
        while (reader.TryRead())
        {
            if (!LeadsToItems(reader, level))
            {
                writer.Append(reader.Raw);
                continue;
            }
            int items = Count(reader.Bytes, level + 1, levels);
            if (index >= from && index + items <= to)
            {
                writer.Append(reader.Raw);
                index += items;
            }
            else if (index + items <= from || index >= to)
            {
                index += items;
            }
            else
            {
                int nested = writer.Open(reader.Field);
                Copy(writer, reader.Bytes, level + 1, levels, ref index, from, to);
                writer.Close(nested);
            }
        }
    }
}
