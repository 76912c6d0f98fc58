using KubeBpfBox.Agent.Top;

namespace KubeBpfBox.Unit.Top;

public sealed class TopTextTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.001, "<0.01")]
    [InlineData(0.017, "0.02")]
    [InlineData(9.994, "9.99")]
    [InlineData(9.999, "10.0")]
    [InlineData(99.96, "100")]
    [InlineData(12345.6, "12346")]
    [InlineData(123_456, "123k")]
    [InlineData(12_345_678, "12M")]
    public void Rates(double perSecond, string expected) => Assert.Equal(expected, TopText.Rate(perSecond));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.00001, "<0.01")]
    [InlineData(0.0123, "1.23")]
    [InlineData(0.5, "50.0")]
    [InlineData(0.99999, "99.9")]
    [InlineData(1, "100")]
    public void Percents_are_never_nothing_or_all_when_they_are_not(double ratio, string expected) => Assert.Equal(expected, TopText.Percent(ratio));

    [Theory]
    [InlineData(0, "-")]
    [InlineData(999, "0.99µs")]
    [InlineData(12_345, "12.3µs")]
    [InlineData(999_999, "999µs")]
    [InlineData(1_050_000, "1.05ms")]
    [InlineData(59_990_000_000, "59.9s")]
    [InlineData(123_456_000_000_000, "123456s")]
    public void Durations(long ns, string expected) => Assert.Equal(expected, TopText.Duration(ns));

    [Theory]
    [InlineData(59, "59s")]
    [InlineData(3599, "59m")]
    [InlineData(11_100, "3h 05m")]
    [InlineData(1_047_600, "12d 3h")]
    public void Uptimes(long seconds, string expected) => Assert.Equal(expected, TopText.Uptime(seconds));

    [Theory]
    [InlineData(new long[] { 0, 1, 50, 100 }, 10, " ▁▄█")]
    [InlineData(new long[] { 1, 1, 1 }, 2, "██")]
    [InlineData(new long[] { 1000, 0, 8, 4 }, 3, " █▄")]
    [InlineData(new long[] { 0, 0 }, 5, "  ")]
    [InlineData(new long[0], 5, "")]
    public void Sparklines(long[] values, int width, string expected) => Assert.Equal(expected, TopText.Sparkline(values, width));

    [Theory]
    [InlineData("cart", 4, "cart")]
    [InlineData("carts", 4, "car…")]
    [InlineData("cart", 1, "…")]
    [InlineData("cart", 0, "")]
    public void Cuts(string text, int width, string expected) => Assert.Equal(expected, TopText.Cut(text, width));
}
