using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>/api/openapi.json: what the API is, for programs and people.</summary>
internal static class OpenApiDocument
{
    /// <summary>Name of the resource in the program.</summary>
    public const string Resource = "openapi.json";

    public static async Task HandleAsync(HttpContext context)
    {
        await using Stream document = typeof(OpenApiDocument).Assembly.GetManifestResourceStream(Resource)!;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = document.Length;
        await document.CopyToAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
    }
}
