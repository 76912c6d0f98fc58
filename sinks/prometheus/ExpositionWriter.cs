using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>Writes Prometheus' text format into a buffer, without allocation.</summary>
/// <remarks>
/// Shape: <c># HELP</c> and <c># TYPE</c>, then <c>name{label="value",…} number</c> lines. A sample is <see cref="Sample"/>, any number of
/// <see cref="Label(ReadOnlySpan{byte}, ReadOnlySpan{char})"/>, then one of the values. Source: "Exposition formats", text format 0.0.4.
/// </remarks>
public ref struct ExpositionWriter(IBufferWriter<byte> output)
{
    /// <summary>The media type of what is written.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly IBufferWriter<byte> _output = output;
    private bool _hasLabels;

    /// <summary>Starts a family. Its samples must follow without another family between them.</summary>
    public readonly void Family(ReadOnlySpan<byte> name, ReadOnlySpan<byte> type, ReadOnlySpan<byte> help)
    {
        _output.Write("# HELP "u8);
        _output.Write(name);
        _output.Write(" "u8);
        _output.Write(help);
        _output.Write("\n# TYPE "u8);
        _output.Write(name);
        _output.Write(" "u8);
        _output.Write(type);
        _output.Write("\n"u8);
    }

    /// <summary>Starts a sample.</summary>
    public void Sample(ReadOnlySpan<byte> name, ReadOnlySpan<byte> suffix = default)
    {
        _output.Write(name);
        _output.Write(suffix);
        _hasLabels = false;
    }

    /// <summary>Adds a label; its value is escaped.</summary>
    public void Label(ReadOnlySpan<byte> name, ReadOnlySpan<char> value)
    {
        OpenLabel(name);
        while (!value.IsEmpty)
        {
            int special = value.IndexOfAny('\\', '"', '\n');
            ReadOnlySpan<char> plain = special < 0 ? value : value[..special];
            WriteText(plain);
            if (special < 0)
            {
                break;
            }
            _output.Write(value[special] switch
            {
                '\\' => "\\\\"u8,
                '"' => "\\\""u8,
                _ => "\\n"u8,
            });
            value = value[(special + 1)..];
        }
        _output.Write("\""u8);
    }

    /// <summary>Adds a label whose value is a number.</summary>
    public void Label(ReadOnlySpan<byte> name, long value)
    {
        OpenLabel(name);
        WriteNumber(value);
        _output.Write("\""u8);
    }

    /// <summary>Adds a label whose value is ASCII that needs no escaping.</summary>
    public void Label(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        OpenLabel(name);
        _output.Write(value);
        _output.Write("\""u8);
    }

    /// <summary>Ends a sample with a whole number.</summary>
    public readonly void Value(long value)
    {
        EndLabels();
        WriteNumber(value);
        _output.Write("\n"u8);
    }

    /// <summary>Ends a sample with a number.</summary>
    public readonly void Value(double value)
    {
        EndLabels();
        if (double.IsFinite(value))
        {
            Span<byte> text = _output.GetSpan(32);
            Utf8Formatter.TryFormat(value, text, out int written);
            _output.Advance(written);
        }
        else
        {
            _output.Write(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8);
        }
        _output.Write("\n"u8);
    }

    private void OpenLabel(ReadOnlySpan<byte> name)
    {
        _output.Write(_hasLabels ? ","u8 : "{"u8);
        _hasLabels = true;
        _output.Write(name);
        _output.Write("=\""u8);
    }

    private readonly void EndLabels() => _output.Write(_hasLabels ? "} "u8 : " "u8);

    private readonly void WriteNumber(long value)
    {
        Span<byte> text = _output.GetSpan(20);
        Utf8Formatter.TryFormat(value, text, out int written);
        _output.Advance(written);
    }

    // Lone surrogates become U+FFFD, so that the page stays UTF-8 whatever a label holds.
    private readonly void WriteText(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            int take = Math.Min(text.Length, 256);
            if (take < text.Length && char.IsHighSurrogate(text[take - 1]))
            {
                take--;
            }
            Span<byte> bytes = _output.GetSpan(take * 3);
            _output.Advance(Encoding.UTF8.GetBytes(text[..take], bytes));
            text = text[take..];
        }
    }
}
