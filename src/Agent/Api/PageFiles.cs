using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace KubeBpfBox.Agent.Api;

/// <summary>The web page's files, which are in the program itself, packed with gzip.</summary>
/// <remarks>
/// Open to who may reach the port: nothing secret is in them, and the page asks for the token by itself. Memory: an entry a file; the bytes
/// stay in the program's own pages. Source: RFC 9110 sections 8.8.3, 13.1.2, 15.4.5.
/// </remarks>
internal sealed class PageFiles
{
    /// <summary>What the page may do: load from where it came, and nothing else.</summary>
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string Prefix = "web/";
    private const string Suffix = ".gz";
    private const string Index = "/index.html";

    /// <summary>Addresses of the page; it shows what belongs to them itself.</summary>
    private static readonly string[] s_pages = ["/", "/workload", "/requests", "/map", "/node"];

    private readonly Dictionary<string, PageFile> _files = new(StringComparer.Ordinal);

    /// <summary>Finds the files.</summary>
    /// <param name="names">Names of resources; those called "web/PATH.gz" are served.</param>
    /// <param name="open">Opens one.</param>
    public PageFiles(IEnumerable<string> names, Func<string, Stream> open)
    {
        foreach (string name in names)
        {
            if (name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal))
            {
                string path = name[(Prefix.Length - 1)..^Suffix.Length];
                _files.Add(path, new PageFile(path, () => open(name)));
            }
        }
        if (_files.TryGetValue(Index, out PageFile? index))
        {
            Array.ForEach(s_pages, page => _files[page] = index);
        }
    }

    /// <summary>Those of this program.</summary>
    public static PageFiles Embedded()
    {
        Assembly program = typeof(PageFiles).Assembly;
        return new PageFiles(program.GetManifestResourceNames(), name => program.GetManifestResourceStream(name)!);
    }

    /// <summary>Who answers for a path; null when it is none of the page's.</summary>
    public RequestDelegate? Find(string path) =>
        _files.TryGetValue(path, out PageFile? file) ? file.HandleAsync
        : s_pages.Contains(path) ? static context => Router.ProblemAsync(context, StatusCodes.Status404NotFound, "this build has no web page; make it with: make build")
        : null;

    /// <summary>One file.</summary>
    private sealed class PageFile(string path, Func<Stream> open)
    {
        private const string Forever = "public, max-age=31536000, immutable";

        private readonly string _contentType = ContentTypeOf(path);
        private string? _hash;

        public async Task HandleAsync(HttpContext context)
        {
            IHeaderDictionary headers = context.Response.Headers;
            bool isPacked = MetricsHandler.AcceptsGzip(context.Request.Headers.AcceptEncoding);
            // Different bytes have different tags.
            string tag = isPacked ? $"\"{Hash}-gzip\"" : $"\"{Hash}\"";
            // What is under /assets/ has its hash in its name.
            headers.CacheControl = path.StartsWith("/assets/", StringComparison.Ordinal) ? Forever : "no-cache";
            headers.ETag = tag;
            headers.Vary = "Accept-Encoding";
            if (path == Index)
            {
                headers.ContentSecurityPolicy = ContentSecurityPolicy;
            }
            if (Matches(context.Request.Headers.IfNoneMatch, tag))
            {
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
            context.Response.ContentType = _contentType;
            await using Stream packed = open();
            if (isPacked)
            {
                headers.ContentEncoding = "gzip";
                context.Response.ContentLength = packed.Length;
            }
            if (HttpMethods.IsHead(context.Request.Method))
            {
                return;
            }
            await using Stream content = isPacked ? packed : new GZipStream(packed, CompressionMode.Decompress);
            await content.CopyToAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
        }

        private string Hash
        {
            get
            {
                if (_hash is null)
                {
                    using Stream packed = open();
                    _hash = Convert.ToHexStringLower(SHA256.HashData(packed).AsSpan(0, 12));
                }
                return _hash;
            }
        }

        private static bool Matches(StringValues wanted, string tag) =>
            EntityTagHeaderValue.TryParseList(wanted, out IList<EntityTagHeaderValue>? tags) && tags.Any(one => one.Tag == tag || one.Tag == "*");

        private static string ContentTypeOf(string path) => Path.GetExtension(path) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            ".svg" => "image/svg+xml",
            ".png" => "image/png",
            ".ico" => "image/x-icon",
            ".json" or ".map" => "application/json",
            ".webmanifest" => "application/manifest+json",
            ".txt" => "text/plain; charset=utf-8",
            ".woff2" => "font/woff2",
            _ => "application/octet-stream",
        };
    }
}
