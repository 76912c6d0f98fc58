using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Demo.Services;

/// <summary>The services on the way to an order: cart, checkout, payments, and the bank outside.</summary>
internal static class Counter
{
    public static void MapCart(WebApplication app)
    {
        app.MapGet("/carts/{cart:guid}", async (Guid cart) =>
        {
            await Chance.WorkAsync(1.4);
            return Chance.Of(0.03) ? Results.NotFound() : Results.Json(new { cart, items = (int[])[4711, 815] });
        });
        app.MapPut("/carts/{cart:guid}/items/{sku:int}", async (int sku) =>
        {
            await Chance.WorkAsync(2.2);
            return Chance.Of(0.02) ? Results.Conflict() : Chance.Of(0.6) ? Results.Created() : Results.Json(new { sku });
        });
        app.MapDelete("/carts/{cart:guid}/items/{sku:int}", async () =>
        {
            await Chance.WorkAsync(1.8);
            return Results.NoContent();
        });
        app.MapDelete("/carts/{cart:guid}", async () =>
        {
            await Chance.WorkAsync(1.8);
            return Results.NoContent();
        });
    }

    public static void MapCheckout(WebApplication app, Peers peers)
    {
        app.MapPost("/orders", async () =>
        {
            Guid cart = Guid.NewGuid(), order = Guid.NewGuid();
            await peers.GetAsync($"http://cart.shop:8080/carts/{cart}");
            if (await peers.SendAsync(HttpMethod.Post, "http://inventory.backoffice:8080/reservations", new { order }) == 409)
            {
                return Results.Conflict();
            }
            int paid = await peers.SendAsync(HttpMethod.Post, "http://payments.billing:8080/charges", new { order, cents = 12_900 }, timeoutSeconds: 1.5);
            if (paid != 201)
            {
                return Results.StatusCode(503);
            }
            await peers.SendAsync(HttpMethod.Delete, $"http://cart.shop:8080/carts/{cart}");
            return Results.Created($"/orders/{order}", new { order });
        });
        app.MapGet("/orders/{order:guid}", async (Guid order) =>
        {
            await Chance.WorkAsync(5);
            return Results.Json(new { order, state = "packed" });
        });
    }

    public static void MapPayments(WebApplication app, Peers peers)
    {
        app.MapPost("/charges", async () =>
        {
            await Chance.WorkAsync(6);
            int status = await peers.SendAsync(HttpMethod.Post, "http://bank.example:8080/v1/authorizations", new { cents = 12_900 }, timeoutSeconds: 5);
            return status == 201 ? Results.Created($"/charges/{Guid.NewGuid()}", new { ok = true }) : Results.StatusCode(502);
        });
        app.MapGet("/charges/{charge:guid}", async (Guid charge) =>
        {
            await Chance.WorkAsync(4);
            return Results.Json(new { charge });
        });
    }

    public static void MapBank(WebApplication app) => app.MapPost("/v1/authorizations", async () =>
    {
        bool isBad = Tides.IsIncident;
        await Chance.WorkAsync(isBad ? 900 : 35, isBad ? 0.6 : 0.3);
        return isBad && Chance.Of(0.45) ? Results.StatusCode(500) : Results.Created();
    });
}
