namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Attributes: elements of a repeated KeyValue.</summary>
/// <remarks>
/// Shape: KeyValue { key = 1, value = 2: AnyValue { string_value = 1, bool_value = 2, int_value = 3, array_value = 5 } }.
/// Source: opentelemetry/proto/common/v1/common.proto.
/// </remarks>
internal static class OtlpAttributes
{
    private const int StringValue = 1;
    private const int BoolValue = 2;
    private const int IntValue = 3;
    private const int ArrayValue = 5;

    /// <summary>Marks of the messages that are open.</summary>
    internal readonly record struct Opened(int Pair, int Value);

    /// <summary>A text of ours; left out when it is null.</summary>
    public static void Attribute(this ProtoWriter writer, int field, ReadOnlySpan<byte> key, string? text)
    {
        if (text is not null)
        {
            Opened opened = Open(writer, field, key);
            writer.Text(StringValue, text);
            Close(writer, opened);
        }
    }

    /// <summary>A text of the wire, or one that is UTF-8.</summary>
    public static void Attribute(this ProtoWriter writer, int field, ReadOnlySpan<byte> key, ReadOnlySpan<byte> text)
    {
        Opened opened = Open(writer, field, key);
        writer.WireText(StringValue, text);
        Close(writer, opened);
    }

    /// <summary>A number.</summary>
    public static void Attribute(this ProtoWriter writer, int field, ReadOnlySpan<byte> key, long number)
    {
        Opened opened = Open(writer, field, key);
        writer.Varint(IntValue, (ulong)number);
        Close(writer, opened);
    }

    /// <summary>A truth value.</summary>
    public static void Attribute(this ProtoWriter writer, int field, ReadOnlySpan<byte> key, bool flag)
    {
        Opened opened = Open(writer, field, key);
        writer.Varint(BoolValue, flag ? 1u : 0u);
        Close(writer, opened);
    }

    /// <summary>A list of texts.</summary>
    public static void Attribute(this ProtoWriter writer, int field, ReadOnlySpan<byte> key, ReadOnlySpan<string> texts)
    {
        Opened opened = Open(writer, field, key);
        int list = writer.Open(ArrayValue);
        foreach (string text in texts)
        {
            int element = writer.Open(1);
            writer.Text(StringValue, text);
            writer.Close(element);
        }
        writer.Close(list);
        Close(writer, opened);
    }

    /// <summary>Begins a text in pieces; then come <see cref="ProtoWriter.Append(ReadOnlySpan{byte})"/> and its like.</summary>
    public static Opened OpenText(ProtoWriter writer, int field, ReadOnlySpan<byte> key, out int text)
    {
        Opened opened = Open(writer, field, key);
        text = writer.Open(StringValue);
        return opened;
    }

    /// <summary>Ends it.</summary>
    public static void CloseText(ProtoWriter writer, Opened opened, int text)
    {
        writer.Close(text);
        Close(writer, opened);
    }

    private static Opened Open(ProtoWriter writer, int field, ReadOnlySpan<byte> key)
    {
        int pair = writer.Open(field);
        writer.Bytes(1, key);
        return new Opened(pair, writer.Open(2));
    }

    private static void Close(ProtoWriter writer, Opened opened)
    {
        writer.Close(opened.Value);
        writer.Close(opened.Pair);
    }
}
