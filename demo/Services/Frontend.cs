using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Demo.Services;

/// <summary>Puts pages together from what the other services know.</summary>
internal static class Frontend
{
    public static void Map(WebApplication app, Peers peers)
    {
        app.MapGet("/", async (HttpContext context) =>
        {
            await Task.WhenAll(
                peers.GetAsync("http://catalog.shop:8080/products?limit=12"),
                peers.GetAsync($"http://recommendations.shop:8080/recommendations/{Random.Shared.Next(1, 5000)}", timeoutSeconds: 0.4));
            await PageAsync(context, 18_000);
        });
        app.MapGet("/products", async (HttpContext context) =>
        {
            await peers.GetAsync($"http://catalog.shop:8080/products{context.Request.QueryString}");
            await PageAsync(context, 12_000);
        });
        app.MapGet("/products/{id:int}", async (HttpContext context, int id) =>
        {
            int[] answers = await Task.WhenAll(
                peers.GetAsync($"http://catalog.shop:8080/products/{id}"),
                peers.GetAsync($"http://inventory.backoffice:8080/stock/{id}", timeoutSeconds: 1));
            await (answers[0] == 404 ? Results.NotFound().ExecuteAsync(context) : PageAsync(context, 7_000));
        });
        app.MapGet("/search", async (HttpContext context) =>
        {
            int status = await peers.SendAsync(HttpMethod.Get, $"http://search.shop:8080/search{context.Request.QueryString}", timeoutSeconds: 4, change: static request => request.Headers.ConnectionClose = true);
            await (status is 0 or >= 500 ? Results.StatusCode(503).ExecuteAsync(context) : PageAsync(context, 6_000));
        });
        app.MapGet("/cart/{cart:guid}", (HttpContext context, Guid cart) => ForwardAsync(context, peers, $"http://cart.shop:8080/carts/{cart}"));
        app.MapPut("/cart/{cart:guid}/items/{sku:int}", (HttpContext context, Guid cart, int sku) => ForwardAsync(context, peers, $"http://cart.shop:8080/carts/{cart}/items/{sku}", new { quantity = 1 }));
        app.MapDelete("/cart/{cart:guid}/items/{sku:int}", (HttpContext context, Guid cart, int sku) => ForwardAsync(context, peers, $"http://cart.shop:8080/carts/{cart}/items/{sku}"));
        app.MapPost("/checkout", (HttpContext context) => ForwardAsync(context, peers, "http://checkout.shop:8080/orders", new { cart = Guid.NewGuid(), express = Chance.Of(0.2) }));
        app.MapGet("/orders/{order:guid}", (HttpContext context, Guid order) => ForwardAsync(context, peers, $"http://checkout.shop:8080/orders/{order}"));
    }

    private static async Task PageAsync(HttpContext context, int bytes)
    {
        await Chance.WorkAsync(3);
        await ServiceHost.WritePageAsync(context, bytes);
    }

    private static async Task ForwardAsync(HttpContext context, Peers peers, string url, object? body = null)
    {
        int status = await peers.SendAsync(new HttpMethod(context.Request.Method), url, body);
        await Chance.WorkAsync(1.5);
        context.Response.StatusCode = status == 0 ? 504 : status;
    }
}
