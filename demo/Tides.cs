namespace KubeBpfBox.Demo;

/// <summary>What changes with time, by the clock that all processes share, so that they agree without talking.</summary>
internal static class Tides
{
    private const double IncidentPeriodSeconds = 120, IncidentStartSeconds = 70, IncidentSeconds = 20;

    /// <summary>How busy the shop is: 1 on average, waves of five minutes with ripples on them.</summary>
    public static double Crowd => 1 + (0.45 * Math.Sin(Seconds * 2 * Math.PI / 300)) + (0.15 * Math.Sin(Seconds * 2 * Math.PI / 47));

    /// <summary>Every two minutes the bank has a bad time, and payments with it.</summary>
    public static bool IsIncident => Seconds % IncidentPeriodSeconds is >= IncidentStartSeconds and < IncidentStartSeconds + IncidentSeconds;

    private static double Seconds => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
}
