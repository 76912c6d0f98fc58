namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>Writes families and samples in either format.</summary>
/// <remarks>
/// Shape: <c># HELP</c>, <c># TYPE</c> (and <c># UNIT</c>), then <c>name{label="value",…} number</c> lines. A sample is <see cref="Sample"/>, any
/// number of labels, then one of the values. In OpenMetrics a counter's or an info's family is named without the ending of its samples.
/// Source: "Exposition formats", text format 0.0.4; OpenMetrics 1.0.0.
/// </remarks>
internal ref struct ExpositionWriter(ExpositionBuffer output, ExpositionFormat format)
{
    private readonly ExpositionBuffer _output = output;
    private bool _hasLabels;

    /// <summary>The bytes so far.</summary>
    public readonly ExpositionBuffer Output => _output;

    /// <summary>How the page is spelt.</summary>
    public readonly ExpositionFormat Format => format;

    /// <summary>What the samples of a family end in, beside its name.</summary>
    public static ReadOnlySpan<byte> SuffixOf(MetricType type) => type switch
    {
        MetricType.Counter => "_total"u8,
        MetricType.Info => "_info"u8,
        _ => [],
    };

    /// <summary>Starts a family. Its samples must follow without another family between them.</summary>
    /// <param name="type">What it is.</param>
    /// <param name="name">Without the ending of its samples.</param>
    /// <param name="help">One line without a backslash, a quote or an end.</param>
    /// <param name="unit">The last word of the name, if it is a unit.</param>
    public readonly void Family(MetricType type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> help, ReadOnlySpan<byte> unit = default)
    {
        bool isOpen = format == ExpositionFormat.OpenMetrics;
        ReadOnlySpan<byte> suffix = isOpen ? [] : SuffixOf(type);
        Line("# HELP "u8, name, suffix, help);
        Line("# TYPE "u8, name, suffix, type switch
        {
            MetricType.Counter => "counter"u8,
            MetricType.Histogram => "histogram"u8,
            MetricType.Info when isOpen => "info"u8,
            _ => "gauge"u8,
        });
        if (isOpen && !unit.IsEmpty)
        {
            Line("# UNIT "u8, name, suffix, unit);
        }
    }

    /// <summary>Starts a sample.</summary>
    public void Sample(scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> suffix = default)
    {
        _output.Append(name);
        _output.Append(suffix);
        _hasLabels = false;
    }

    /// <summary>Adds a label; its value is escaped.</summary>
    public void Label(ReadOnlySpan<byte> name, ReadOnlySpan<char> value)
    {
        OpenLabel(name);
        _output.AppendEscaped(value);
        _output.Append("\""u8);
    }

    /// <summary>Adds a label whose value is a number.</summary>
    public void Label(ReadOnlySpan<byte> name, long value)
    {
        OpenLabel(name);
        _output.Append(value);
        _output.Append("\""u8);
    }

    /// <summary>Adds a label whose value is ASCII that needs no escaping.</summary>
    public void Label(ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> value)
    {
        OpenLabel(name);
        _output.Append(value);
        _output.Append("\""u8);
    }

    /// <summary>Adds a label unless its value is not known.</summary>
    public void LabelIfKnown(ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            Label(name, value);
        }
    }

    /// <summary>Ends a sample with a whole number.</summary>
    public readonly void Value(long value)
    {
        EndLabels();
        _output.Append(value);
        _output.Append("\n"u8);
    }

    /// <summary>Ends a sample with a number.</summary>
    public readonly void Value(double value)
    {
        EndLabels();
        _output.Append(value);
        _output.Append("\n"u8);
    }

    /// <summary>A family of one sample without labels.</summary>
    public void Single(MetricType type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> help, double value, ReadOnlySpan<byte> unit = default)
    {
        Family(type, name, help, unit);
        Sample(name, SuffixOf(type));
        Value(value);
    }

    /// <summary>Ends the page.</summary>
    public readonly void End()
    {
        if (format == ExpositionFormat.OpenMetrics)
        {
            _output.Append("# EOF\n"u8);
        }
    }

    private readonly void Line(ReadOnlySpan<byte> keyword, ReadOnlySpan<byte> name, ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> rest)
    {
        _output.Append(keyword);
        _output.Append(name);
        _output.Append(suffix);
        _output.Append(" "u8);
        _output.Append(rest);
        _output.Append("\n"u8);
    }

    private void OpenLabel(ReadOnlySpan<byte> name)
    {
        _output.Append(_hasLabels ? ","u8 : "{"u8);
        _hasLabels = true;
        _output.Append(name);
        _output.Append("=\""u8);
    }

    private readonly void EndLabels() => _output.Append(_hasLabels ? "} "u8 : " "u8);
}
