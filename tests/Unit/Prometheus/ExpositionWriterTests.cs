using System.Text;
using KubeBpfBox.Sinks.Prometheus;

namespace KubeBpfBox.Unit.Prometheus;

public sealed class ExpositionWriterTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "")]
    [InlineData("a\"b", "a\\\"b")]
    [InlineData("a\\b", "a\\\\b")]
    [InlineData("a\nb", "a\\nb")]
    [InlineData("\\\"\n", "\\\\\\\"\\n")]
    [InlineData("{x=\"1\"} 5\n# TYPE", "{x=\\\"1\\\"} 5\\n# TYPE")]
    [InlineData("caf\u00e9 \ud83d\ude00", "caf\u00e9 \ud83d\ude00")]
    public void Label_values_are_escaped(string value, string expected)
    {
        ExpositionBuffer output = new(16);
        ExpositionWriter writer = new(output, ExpositionFormat.Text);
        writer.Sample("m"u8);
        writer.Label("l"u8, value);
        writer.Value(1);
        Assert.Equal($"m{{l=\"{expected}\"}} 1\n", Encoding.UTF8.GetString(output.Written.Span));
    }

    [Fact]
    public void Half_a_surrogate_pair_does_not_break_the_page()
    {
        ExpositionBuffer output = new(16);
        ExpositionWriter writer = new(output, ExpositionFormat.Text);
        writer.Sample("m"u8);
        writer.Label("l"u8, "lone \ud83d");
        writer.Value(1);
        Assert.Equal("m{l=\"lone \ufffd\"} 1\n", Encoding.UTF8.GetString(output.Written.Span));
    }

    [Fact]
    public void Long_label_values_are_whole_and_pairs_are_not_split()
    {
        string value = new string('a', 255) + "\ud83d\ude00" + new string('b', 1000);
        ExpositionBuffer output = new(16);
        ExpositionWriter writer = new(output, ExpositionFormat.Text);
        writer.Sample("m"u8);
        writer.Label("l"u8, value);
        writer.Value(1);
        Assert.Equal($"m{{l=\"{value}\"}} 1\n", Encoding.UTF8.GetString(output.Written.Span));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "0.000000001")]
    [InlineData(500_000, "0.0005")]
    [InlineData(1_000_000_000, "1")]
    [InlineData(30_001_400_000, "30.0014")]
    [InlineData(1_769_860_800_123_000_000, "1769860800.123")]
    [InlineData(long.MaxValue, "9223372036.854775807")]
    public void Nanoseconds_are_written_as_seconds_exactly(long ns, string expected)
    {
        ExpositionBuffer output = new(1);
        output.AppendSeconds(ns);
        Assert.Equal(expected, Encoding.ASCII.GetString(output.Written.Span));
    }

    [Theory]
    [InlineData(0.0, "0")]
    [InlineData(1.5, "1.5")]
    [InlineData(-0.25, "-0.25")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    public void Numbers(double value, string expected)
    {
        ExpositionBuffer output = new(16);
        ExpositionWriter writer = new(output, ExpositionFormat.Text);
        writer.Sample("m"u8);
        writer.Value(value);
        Assert.Equal($"m {expected}\n", Encoding.UTF8.GetString(output.Written.Span));
    }
}
