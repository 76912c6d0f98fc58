namespace KubeBpfBox.Demo.Services;

/// <summary>Who comes to the shop, from outside.</summary>
internal sealed class Visitors
{
    private const double VisitsPerSecond = 10;

    private readonly Peers _peers;
    private readonly CancellationToken _stop;

    private Visitors(Peers peers, CancellationToken stop) => (_peers, _stop) = (peers, stop);

    /// <summary>Visits at random, in waves, until it is told to stop.</summary>
    public static async Task RunAsync(CancellationToken stop)
    {
        using Peers peers = new([.. Shop.VisitorAddresses]);
        Visitors visitors = new(peers, stop);
        _ = visitors.SearchInCrowdsAsync();
        while (true)
        {
            await Chance.ArrivalAsync(VisitsPerSecond * Tides.Crowd, stop);
            _ = visitors.VisitAsync();
        }
    }

    private async Task VisitAsync()
    {
        Guid cart = Guid.NewGuid();
        Peers.Continue(null);
        await AskAsync(HttpMethod.Get, Chance.Of(0.05) ? "/shop" : "/");
        await AskAsync(HttpMethod.Get, "/static/app.js", isKnown: Chance.Of(0.6));
        for (int views = Random.Shared.Next(1, 5); views > 0; views--)
        {
            await Chance.WorkAsync(700, 0.6, _stop);
            int product = Random.Shared.Next(1, 9200);
            await AskAsync(HttpMethod.Get, Chance.Of(0.3) ? $"/products?page={views}" : $"/products/{product}");
            await AskAsync(HttpMethod.Get, $"/images/{product}/thumb");
            if (Chance.Of(0.35))
            {
                await AskAsync(HttpMethod.Put, $"/cart/{cart}/items/{product}", new { quantity = 1 });
            }
            if (Chance.Of(0.1))
            {
                await AskAsync(HttpMethod.Get, $"/search?q=lamp+{product}");
            }
        }
        await AskAsync(HttpMethod.Get, $"/cart/{cart}");
        if (Chance.Of(0.1))
        {
            await AskAsync(HttpMethod.Delete, $"/cart/{cart}/items/4711");
        }
        if (Chance.Of(0.45))
        {
            await AskAsync(HttpMethod.Post, "/checkout", new { cart });
            await AskAsync(HttpMethod.Get, $"/orders/{Guid.NewGuid()}");
        }
    }

    /// <summary>Every now and then something is on television: more ask at once than the search has room for.</summary>
    private async Task SearchInCrowdsAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Chance.WorkAsync(40_000, 0.2, _stop);
            await Task.WhenAll(Enumerable.Range(0, 14).Select(_ => AskAsync(HttpMethod.Get, "/search?q=brass+lamp")));
        }
    }

    private Task<int> AskAsync(HttpMethod method, string path, object? body = null, bool isKnown = false) =>
        _peers.SendAsync(method, $"http://gateway.edge:8080{path}", body, timeoutSeconds: 6, stop: _stop, change: request =>
        {
            request.Headers.Host = "shop.example";
            request.Headers.AcceptEncoding.ParseAdd("gzip");
            request.Headers.ConnectionClose = Chance.Of(0.1) ? true : null;
            if (isKnown)
            {
                request.Headers.TryAddWithoutValidation("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT");
            }
        });
}
