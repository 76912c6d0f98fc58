using System.IO.Compression;
using System.Net;
using System.Text;

namespace KubeBpfBox.Unit.Api;

/// <summary>The web page's files, as a browser and others ask for them.</summary>
public sealed class PageFilesTests
{
    private const string Html = "<!doctype html><title>page</title>";
    private const string Script = "console.log('page')";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/", "text/html; charset=utf-8", Html, "no-cache")]
    [InlineData("/workload?namespace=shop&workload=cart", "text/html; charset=utf-8", Html, "no-cache")]
    [InlineData("/requests?anything=1", "text/html; charset=utf-8", Html, "no-cache")]
    [InlineData("/map", "text/html; charset=utf-8", Html, "no-cache")]
    [InlineData("/node", "text/html; charset=utf-8", Html, "no-cache")]
    [InlineData("/index.html", "text/html; charset=utf-8", Html, "no-cache")]
    [InlineData("/assets/main-1a2b.js", "text/javascript; charset=utf-8", Script, "public, max-age=31536000, immutable")]
    [InlineData("/favicon.svg", "image/svg+xml", "<svg/>", "no-cache")]
    public async Task A_file_comes_packed_or_plain_with_its_type_and_tag(string path, string contentType, string expected, string cache)
    {
        await using ApiFixture api = await StartAsync();
        HashSet<string> tags = [];
        foreach (bool isPacked in (bool[])[true, false])
        {
            using HttpResponseMessage response = await AskAsync(api, HttpMethod.Get, path, isPacked);
            Assert.Equal((HttpStatusCode.OK, contentType), (response.StatusCode, response.Content.Headers.ContentType!.ToString()));
            Assert.Equal((cache, "Accept-Encoding"), (response.Headers.NonValidated["Cache-Control"].ToString(), response.Headers.NonValidated["Vary"].ToString()));
            Assert.Equal(isPacked ? ["gzip"] : [], response.Content.Headers.ContentEncoding);
            await using Stream body = await response.Content.ReadAsStreamAsync(Stop);
            using StreamReader reader = new(isPacked ? new GZipStream(body, CompressionMode.Decompress) : body, Encoding.UTF8);
            Assert.Equal(expected, await reader.ReadToEndAsync(Stop));
            string tag = response.Headers.ETag!.Tag;
            Assert.True(tags.Add(tag));
            using HttpResponseMessage again = await AskAsync(api, HttpMethod.Get, path, isPacked, "\"other\", " + tag);
            Assert.Equal((HttpStatusCode.NotModified, 0, tag), (again.StatusCode, (await again.Content.ReadAsByteArrayAsync(Stop)).Length, again.Headers.ETag!.Tag));
            using HttpResponseMessage other = await AskAsync(api, HttpMethod.Get, path, isPacked, "\"other\"");
            Assert.Equal(HttpStatusCode.OK, other.StatusCode);
            using HttpResponseMessage head = await AskAsync(api, HttpMethod.Head, path, isPacked);
            Assert.Equal((HttpStatusCode.OK, tag, 0), (head.StatusCode, head.Headers.ETag!.Tag, (await head.Content.ReadAsByteArrayAsync(Stop)).Length));
        }
    }

    [Theory]
    [InlineData("/", true)]
    [InlineData("/favicon.svg", false)]
    [InlineData("/api/status", false)]
    [InlineData("/nothing", false)]
    public async Task Every_answer_is_closed_to_other_sites_and_the_page_loads_from_its_own_only(string path, bool isPage)
    {
        await using ApiFixture api = await StartAsync();
        using HttpResponseMessage response = await AskAsync(api, HttpMethod.Get, path, isPacked: true);
        Assert.Equal(("nosniff", "DENY", "no-referrer", "same-origin", "same-origin"), (Header("X-Content-Type-Options"), Header("X-Frame-Options"), Header("Referrer-Policy"),
            Header("Cross-Origin-Opener-Policy"), Header("Cross-Origin-Resource-Policy")));
        Assert.Equal(isPage ? "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" : null,
            response.Headers.TryGetValues("Content-Security-Policy", out IEnumerable<string>? policy) ? policy.Single() : null);
        Assert.DoesNotContain(response.Headers, static header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));

        string Header(string name) => response.Headers.GetValues(name).Single();
    }

    [Theory]
    [InlineData("/assets/")]
    [InlineData("/assets/%2e%2e%2fweb/index.html")]
    [InlineData("/web/index.html")]
    [InlineData("/workload/")]
    [InlineData("/Map")]
    public async Task What_is_not_there_is_not_found(string path)
    {
        await using ApiFixture api = await StartAsync();
        using HttpResponseMessage response = await AskAsync(api, HttpMethod.Get, path, isPacked: true);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task A_build_without_the_page_says_how_to_make_it()
    {
        await using ApiFixture api = new();
        await api.StartAsync();
        using HttpResponseMessage response = await AskAsync(api, HttpMethod.Get, "/", isPacked: true);
        Assert.Equal((HttpStatusCode.NotFound, "{\"error\":\"this build has no web page; make it with: make build\"}"), (response.StatusCode, await response.Content.ReadAsStringAsync(Stop)));
    }

    [Fact]
    public async Task The_page_needs_no_token_and_nothing_else_goes_without()
    {
        await using ApiFixture api = await StartAsync("0.0.0.0:0");
        foreach ((string path, HttpStatusCode expected) in (ReadOnlySpan<(string, HttpStatusCode)>)[("/", HttpStatusCode.OK), ("/assets/main-1a2b.js", HttpStatusCode.OK),
            ("/api/openapi.json", HttpStatusCode.Unauthorized), ("/api/workloads", HttpStatusCode.Unauthorized), ("/assets/other.js", HttpStatusCode.Unauthorized)])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            Assert.Equal(expected, api.Client.Send(request, Stop).StatusCode);
        }
        // Only the header counts: an address ends in histories and logs.
        using HttpResponseMessage response = await api.Client.GetAsync($"/api/status?token={ApiFixture.Token}&access_token={ApiFixture.Token}", Stop);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Theory]
    [InlineData("cross-site", HttpStatusCode.Forbidden)]
    [InlineData("same-site", HttpStatusCode.Forbidden)]
    [InlineData("same-origin", HttpStatusCode.OK)]
    [InlineData("none", HttpStatusCode.OK)]
    [InlineData("something-new", HttpStatusCode.Forbidden)]
    public async Task Pages_of_other_sites_may_link_to_the_page_but_not_ask_the_api(string site, HttpStatusCode expected)
    {
        await using ApiFixture api = await StartAsync();
        foreach (string path in (string[])["/api/status", "/api/transactions/stream?status=5xx&output=xml", "/api/openapi.json"])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            request.Headers.Add("Sec-Fetch-Site", site);
            HttpStatusCode status = api.Client.Send(request, Stop).StatusCode;
            Assert.Equal(expected == HttpStatusCode.OK && path.Contains("xml", StringComparison.Ordinal) ? HttpStatusCode.BadRequest : expected, status);
        }
        using HttpRequestMessage page = new(HttpMethod.Get, "/");
        page.Headers.Add("Sec-Fetch-Site", site);
        page.Headers.Add("Sec-Fetch-Mode", "navigate");
        Assert.Equal(HttpStatusCode.OK, api.Client.Send(page, Stop).StatusCode);
    }

    private static async Task<ApiFixture> StartAsync(string listen = "127.0.0.1:0")
    {
        ApiFixture api = new()
        {
            Page = { ["index.html"] = Encoding.UTF8.GetBytes(Html), ["assets/main-1a2b.js"] = Encoding.UTF8.GetBytes(Script), ["favicon.svg"] = "<svg/>"u8.ToArray() },
        };
        await api.StartAsync(listen);
        return api;
    }

    private static async Task<HttpResponseMessage> AskAsync(ApiFixture api, HttpMethod method, string path, bool isPacked, string? tag = null)
    {
        using HttpRequestMessage request = new(method, path);
        if (isPacked)
        {
            request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip, deflate, br");
        }
        if (tag is not null)
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", tag);
        }
        return await api.Client.SendAsync(request, Stop);
    }
}
