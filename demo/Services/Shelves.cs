using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Demo.Services;

/// <summary>The services that know things: catalog, inventory, recommendations, thumbnails.</summary>
internal static class Shelves
{
    private const int LastProduct = 9000;

    private const int LeakedBytes = 40_000;

    public static void MapCatalog(WebApplication app)
    {
        app.MapGet("/products", async (HttpContext context) =>
        {
            await Chance.WorkAsync(6, 0.5);
            await ServiceHost.WritePageAsync(context, 9_000);
        });
        app.MapGet("/products/{id:int}", async (HttpContext context, int id) =>
        {
            await Chance.WorkAsync(2.5, 0.6);
            context.Response.Headers.ETag = $"\"{id}\"";
            return id > LastProduct ? Results.NotFound()
                : context.Request.Headers.IfNoneMatch.Count > 0 ? Results.StatusCode(304)
                : Results.Json(new { id, name = $"Lamp no. {id}", price = id * 7 % 900, tags = (string[])["lamp", "brass", "indoor"] });
        });
        app.MapGet("/export", async (HttpContext context) =>
        {
            await Chance.WorkAsync(120);
            await ServiceHost.WritePageAsync(context, 400_000);
        });
    }

    public static void MapInventory(WebApplication app)
    {
        app.MapGet("/stock/{sku:int}", async (int sku) =>
        {
            // Now and then the database vacuums.
            await Chance.WorkAsync(Chance.Of(0.02) ? 180 : 3.5);
            return Results.Json(new { sku, left = sku % 40 });
        });
        app.MapPut("/stock/{sku:int}", async (int sku) =>
        {
            await Chance.WorkAsync(8);
            return sku % 3 == 0 ? Results.NoContent() : Results.Json(new { sku });
        });
        app.MapPost("/reservations", async () =>
        {
            await Chance.WorkAsync(9);
            return Chance.Of(0.05) ? Results.Conflict() : Results.Created($"/reservations/{Guid.NewGuid()}", new { minutes = 15 });
        });
    }

    public static void MapRecommendations(WebApplication app, Peers peers) => app.MapGet("/recommendations/{user:int}", async (HttpContext context, int user) =>
    {
        if (Chance.Of(0.004))
        {
            context.Abort();
            return;
        }
        if (Chance.Of(0.75))
        {
            await Chance.WorkAsync(1.2); // remembered
        }
        else
        {
            await peers.GetAsync($"http://catalog.shop:8080/products?for={user}");
            await Chance.WorkAsync(70, 0.35);
        }
        await (Chance.Of(0.003) ? Results.StatusCode(500) : Results.Json(new { user, products = Enumerable.Range(user, 8) })).ExecuteAsync(context);
    });

    /// <summary>Leaks memory with every picture, until the kernel kills it for its limit.</summary>
    public static void MapThumbnails(WebApplication app) => app.MapGet("/images/{id:int}/thumb", async (int id) =>
    {
        await Chance.WorkAsync(14, 0.5);
        Leak();
        byte[] picture = new byte[3000 + (id % 9000)];
        Random.Shared.NextBytes(picture);
        return Results.Bytes(picture, "image/webp");
    });

    /// <summary>Memory that the runtime knows nothing of: with its own it would give up before the kernel does.</summary>
    private static unsafe void Leak() => new Span<byte>(NativeMemory.Alloc(LeakedBytes), LeakedBytes).Fill(1);
}
