namespace KubeBpfBox.Demo.Services;

/// <summary>Draws: how long work takes and whether it fails.</summary>
internal static class Chance
{
    /// <summary>True that often.</summary>
    public static bool Of(double probability) => Random.Shared.NextDouble() < probability;

    /// <summary>Works for a time that is distributed as times of real work are: log-normal, with a long tail.</summary>
    public static Task WorkAsync(double medianMs, double sigma = 0.4, CancellationToken stop = default) =>
        Task.Delay(TimeSpan.FromMilliseconds(Math.Min(30_000, medianMs * Math.Exp(sigma * Normal()))), stop);

    /// <summary>Waits between arrivals that happen at random, that many a second on average.</summary>
    public static Task ArrivalAsync(double perSecond, CancellationToken stop) =>
        Task.Delay(TimeSpan.FromSeconds(-Math.Log(1 - Random.Shared.NextDouble()) / perSecond), stop);

    private static double Normal() => Math.Sqrt(-2 * Math.Log(1 - Random.Shared.NextDouble())) * Math.Cos(2 * Math.PI * Random.Shared.NextDouble());
}
