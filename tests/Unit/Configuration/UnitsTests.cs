using KubeBpfBox.Agent.Configuration;

namespace KubeBpfBox.Unit.Configuration;

public sealed class UnitsTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1024", 1024)]
    [InlineData("512KiB", 512 * 1024)]
    [InlineData("4MiB", 4 * 1024 * 1024)]
    [InlineData("1.5KiB", 1536)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("7B", 7)]
    public void Sizes(string text, long bytes)
    {
        Assert.True(Units.TryParseBytes(text, out long parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MiB")]
    [InlineData("-1")]
    [InlineData("4MB")]
    [InlineData("4 MiB")]
    [InlineData("1.5")]
    [InlineData("1,000")]
    [InlineData("0x10")]
    [InlineData("99999999999TiB")]
    public void No_sizes(string text) => Assert.False(Units.TryParseBytes(text, out _));

    [Theory]
    [InlineData("0", 0)]
    [InlineData("100ns", 100)]
    [InlineData("100us", 100_000)]
    [InlineData("100ms", 100_000_000)]
    [InlineData("1.5s", 1_500_000_000)]
    [InlineData("5m", 300_000_000_000)]
    [InlineData("24h", 86_400_000_000_000)]
    [InlineData("7d", 604_800_000_000_000)]
    public void Durations(string text, long ns)
    {
        Assert.True(Units.TryParseDuration(text, out long parsed));
        Assert.Equal(ns, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("5S")]
    [InlineData("1h30m")]
    [InlineData("0.5ns")]
    [InlineData("999999999999d")]
    public void No_durations(string text) => Assert.False(Units.TryParseDuration(text, out _));

    [Fact]
    public void What_is_written_reads_back()
    {
        foreach (long value in (long[])[1, 7, 1000, 1024, 1536, 60_000_000_000, 90_000_000_000, 8L << 20])
        {
            Assert.True(Units.TryParseBytes(Units.FormatBytes(value), out long bytes));
            Assert.Equal(value, bytes);
            Assert.True(Units.TryParseDuration(Units.FormatDuration(value), out long ns));
            Assert.Equal(value, ns);
        }
    }
}
