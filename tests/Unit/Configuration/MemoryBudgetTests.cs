using KubeBpfBox.Agent.Configuration;

namespace KubeBpfBox.Unit.Configuration;

public sealed class MemoryBudgetTests
{
    private const long Mib = 1 << 20;

    [Theory]
    [InlineData(256, 8, 4, 0)]
    [InlineData(100, 6.25, 4, 1)]
    [InlineData(48, 3, 2, 2)]
    [InlineData(8, 1, 0.5, 2)]
    public void Buffers_follow_the_limit(long limitMib, double streamsMib, double ringMib, int changes)
    {
        AgentOptions options = ConfigurationLoader.Defaults();
        IReadOnlyList<string> told = MemoryBudget.Fit(options, limitMib * Mib);
        Assert.Equal(((long)(streamsMib * Mib), (long)(ringMib * Mib)), (options.StreamsMaxBytes, options.TrafficRingBytes));
        Assert.Equal(changes, told.Count);
        Assert.All(told, one => Assert.Contains($"may use {limitMib} MiB", one, StringComparison.Ordinal));
    }

    [Fact]
    public void What_was_asked_for_is_never_raised()
    {
        AgentOptions options = ConfigurationLoader.Defaults();
        options.StreamsMaxBytes = 2 * Mib;
        options.TrafficRingBytes = 64 << 10;
        Assert.Empty(MemoryBudget.Fit(options, 4096 * Mib));
        Assert.Equal((2 * Mib, 64 << 10), (options.StreamsMaxBytes, options.TrafficRingBytes));
    }
}
