namespace KubeBpfBox.Demo.Services;

/// <summary>What runs by the clock: every half minute it reads a lot at once.</summary>
internal static class Reporter
{
    /// <summary>Reports until it is told to stop.</summary>
    public static async Task RunAsync(Peers peers, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromSeconds(30), stop);
            Peers.Continue(null);
            await peers.GetAsync("http://catalog.shop:8080/export", stop: stop);
            for (int sku = 1; sku <= 60; sku++)
            {
                await peers.GetAsync($"http://inventory.backoffice:8080/stock/{sku}", stop: stop);
                if (sku % 10 == 0)
                {
                    await peers.SendAsync(HttpMethod.Put, $"http://inventory.backoffice:8080/stock/{sku}", new { left = 40 }, stop: stop);
                }
            }
        }
    }
}
