using System.Buffers;
using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Sinks.InfluxDb;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.InfluxDb;

public sealed class LineWriterTests
{
    private delegate void Fields(ref LineWriter writer);

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "0.000001")]
    [InlineData(1_000_000, "1")]
    [InlineData(1_500_000, "1.5")]
    [InlineData(1_234_567, "1.234567")]
    [InlineData(9_007_199_254_740_993, "9007199254.740993")]
    [InlineData(10_000_010, "10.00001")]
    [InlineData(long.MaxValue, "9223372036854.775807")]
    public void Milliseconds_are_exact(long ns, string text) => Assert.Equal($"m v={text} 1\n", Line((ref LineWriter writer) => writer.Milliseconds("v"u8, ns)));

    [Fact]
    public void Any_duration_reads_back_as_itself()
    {
        Random random = new(1);
        for (int i = 0; i < 10_000; i++)
        {
            long ns = random.NextInt64(1L << random.Next(1, 63));
            string line = Line((ref LineWriter writer) => writer.Milliseconds("v"u8, ns));
            Assert.Equal(ns, decimal.Parse(line[4..^3], CultureInfo.InvariantCulture) * 1_000_000);
        }
    }

    [Theory]
    [InlineData(0.5, "0.5")]
    [InlineData(1.0, "1")]
    [InlineData(-0.0, "-0")]
    [InlineData(1e-12, "0")]
    [InlineData(1.0 / 3, "0.333333333")]
    [InlineData(123456.789, "123456.789")]
    public void Numbers_have_no_exponent(double value, string text) => Assert.Equal($"m v={text} 1\n", Line((ref LineWriter writer) => writer.Field("v"u8, value)));

    [Fact]
    public void The_largest_number_fits()
    {
        string line = Line((ref LineWriter writer) => writer.Field("v"u8, double.MinValue));
        Assert.Equal(double.MinValue, double.Parse(line[4..^3], CultureInfo.InvariantCulture));
    }

    [Fact]
    public void What_is_empty_or_no_number_is_left_out() => Assert.Equal("m,k=v a=1i,z=\"x\" 1\n", Line(
        static (ref LineWriter writer) =>
        {
            writer.Field("a"u8, 1);
            writer.Field("b"u8, double.NaN);
            writer.Field("c"u8, double.PositiveInfinity);
            writer.Field("d"u8, ""u8);
            writer.Field("e"u8, (string?)null);
            writer.Milliseconds("f"u8, -1);
            writer.Fields(default);
            writer.Field("z"u8, "x"u8);
        },
        "m,k=v"));

    [Theory]
    [InlineData("10.1.2.3", "10.1.2.3")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    [InlineData("::", "::")]
    public void Addresses_have_no_port(string address, string text)
    {
        Endpoint end = Endpoint.From(System.Net.IPAddress.Parse(address).GetAddressBytes(), 8080);
        Assert.Equal($"m v=\"{text}\" 1\n", Line((ref LineWriter writer) => writer.Address("v"u8, end)));
    }

    [Fact]
    public void Any_bytes_and_any_characters_are_one_text_of_one_line()
    {
        Random random = new(2);
        for (int i = 0; i < 2000; i++)
        {
            byte[] bytes = new byte[random.Next(1, random.Next(2, 2000))];
            random.NextBytes(bytes);
            string characters = string.Concat(Enumerable.Range(0, random.Next(1, 600)).Select(_ => (char)random.Next(65_536)));
            AssertText(Line((ref LineWriter writer) => writer.Field("v"u8, bytes)), Encoding.UTF8.GetString(bytes));
            AssertText(Line((ref LineWriter writer) => writer.Field("v"u8, characters)), Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(characters)));
        }
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        ArrayBufferWriter<byte> buffer = new(1 << 20);
        AllocationRounds rounds = new();
        while (rounds.Next())
        {
            for (int i = 0; i < 1000; i++)
            {
                LineWriter writer = new(buffer);
                writer.Tags("m,k=v"u8);
                writer.Field("a"u8, "text \"with\" \\ and \0 and \u00e9"u8);
                writer.Field("b"u8, "text ü");
                writer.Field("c"u8, i);
                writer.Field("d"u8, i / 3.0);
                writer.Milliseconds("e"u8, i * 12345L);
                writer.Address("f"u8, new Endpoint(0x2001_0db8_0000_0000, 1, 80));
                writer.End(1);
                buffer.ResetWrittenCount();
            }
        }
        Assert.Equal(0, rounds.Least);
    }

    /// <summary>The slow and obvious reading: quotes and backslashes are escaped by a backslash, nothing else is.</summary>
    private static void AssertText(string line, string text)
    {
        Assert.StartsWith("m v=\"", line, StringComparison.Ordinal);
        Assert.EndsWith("\" 1\n", line, StringComparison.Ordinal);
        Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
        StringBuilder read = new();
        for (int i = 5; i < line.Length - 4; i++)
        {
            if (line[i] == '"')
            {
                Assert.Fail($"a quote ends the text early: {line}");
            }
            i += line[i] == '\\' ? 1 : 0;
            read.Append(line[i]);
        }
        Assert.Equal(string.Concat(text.Select(static c => (c < ' ' && c != '\t') || c == '\x7f' ? '\ufffd' : c)), read.ToString());
    }

    private static string Line(Fields fields, string tags = "m")
    {
        ArrayBufferWriter<byte> buffer = new();
        LineWriter writer = new(buffer);
        writer.Tags(tags);
        fields(ref writer);
        writer.End(1);
        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(buffer.WrittenSpan);
    }
}
