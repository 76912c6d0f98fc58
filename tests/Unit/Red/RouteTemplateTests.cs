using System.Text;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Unit.Red;

public sealed class RouteTemplateTests
{
    [Theory]
    // Forms of the target (RFC 9112 section 3.2)
    [InlineData("", "")]
    [InlineData("/", "/")]
    [InlineData("/?a=b", "/")]
    [InlineData("/#top", "/")]
    [InlineData("*", "*")]
    [InlineData("example.com:443", "{authority}")]
    [InlineData("[2001:db8::1]:443", "{authority}")]
    [InlineData("http://example.com", "/")]
    [InlineData("http://example.com?x=1", "/")]
    [InlineData("http://user@example.com:8080/users/17?x=1#y", "/users/{id}")]
    [InlineData("HTTPS://[::1]/a/b/", "/a/b/")]
    [InlineData("index.html", "/index.html")]
    [InlineData("//a///b//", "/a/b/")]
    [InlineData("/a/b?next=/c/1", "/a/b")]
    // Words with digits that are words
    [InlineData("/v1", "/v1")]
    [InlineData("/api/v2beta1/things", "/api/v2beta1/things")]
    [InlineData("/api/V3/things", "/api/V3/things")]
    [InlineData("/v1alpha1", "/v1alpha1")]
    [InlineData("/v1p1beta1/videos", "/v1p1beta1/videos")]
    [InlineData("/oauth2/token", "/oauth2/token")]
    [InlineData("/oauth2callback", "/oauth2callback")]
    [InlineData("/ipv4", "/ipv4")]
    [InlineData("/ipv6", "/ipv6")]
    [InlineData("/s3/bucket", "/s3/bucket")]
    [InlineData("/http2", "/http2")]
    [InlineData("/utf8", "/utf8")]
    [InlineData("/utf8mb4", "/utf8mb4")]
    [InlineData("/mp3", "/mp3")]
    [InlineData("/h264", "/h264")]
    [InlineData("/sha256", "/sha256")]
    [InlineData("/sha512sum", "/sha512sum")]
    [InlineData("/es2015", "/es2015")]
    [InlineData("/base64/encode", "/base64/encode")]
    [InlineData("/iso8601", "/iso8601")]
    [InlineData("/x86_64/amd64/arm64v8", "/x86_64/amd64/arm64v8")]
    [InlineData("/i18n/l10n/a11y/k8s", "/i18n/l10n/a11y/k8s")]
    [InlineData("/us-east-1/status", "/us-east-1/status")]
    [InlineData("/video/1080p", "/video/1080p")]
    [InlineData("/thumbs/1920x1080/cover.png", "/thumbs/1920x1080/cover.png")]
    [InlineData("/2fa/verify", "/2fa/verify")]
    [InlineData("/getS3BucketAclV2", "/getS3BucketAclV2")]
    // Values
    [InlineData("/users/17", "/users/{id}")]
    [InlineData("/users/17/", "/users/{id}/")]
    [InlineData("/users/0", "/users/{id}")]
    [InlineData("/users/-17", "/users/{id}")]
    [InlineData("/at/51.5074,-0.1278", "/at/{id}")]
    [InlineData("/u/550e8400-e29b-41d4-a716-446655440000", "/u/{id}")]
    [InlineData("/u/550E8400-E29B-41D4-A716-446655440000/edit", "/u/{id}/edit")]
    [InlineData("/u/550e8400e29b41d4a716446655440000", "/u/{id}")]
    [InlineData("/u/deadbeef-dead-beef-dead-beefdeadbeef", "/u/{id}")]
    [InlineData("/c/3f2a9c1b", "/c/{id}")]
    [InlineData("/c/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/c/{id}")]
    [InlineData("/c/deadbeefdeadbeef", "/c/{id}")]
    [InlineData("/c/deadbeef", "/c/deadbeef")]
    [InlineData("/facade/decade", "/facade/decade")]
    [InlineData("/e/01H8XGJWBWBAQ4ZZ9YQ2Z7T3MK", "/e/{id}")]
    [InlineData("/e/user_01H8XGJWBWBAQ4ZZ9YQ2Z7T3MK", "/e/{id}")]
    [InlineData("/e/0ujsswThIGTUYm2K8FjOOfXtY1K", "/e/{id}")]
    [InlineData("/e/cus_NffrFeUfNV2Hib", "/e/{id}")]
    [InlineData("/e/pi_3MtwBwLkdIwHu7ix28a3tqPa/confirm", "/e/{id}/confirm")]
    [InlineData("/orders/order-12345", "/orders/{id}")]
    [InlineData("/orders/ORD20240131", "/orders/{id}")]
    [InlineData("/u/user123", "/u/{id}")]
    [InlineData("/v/dQw4w9WgXcQ", "/v/{id}")]
    [InlineData("/s/a1b2c3", "/s/{id}")]
    [InlineData("/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit", "/d/{id}/edit")]
    [InlineData("/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0", "/t/{id}")]
    [InlineData("/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "/t/{long}")]
    [InlineData("/by/2024-01-31", "/by/{date}")]
    [InlineData("/by/2024-01-31T10:00:00Z", "/by/{date}")]
    [InlineData("/by/2024-01-31T10:00:00.123+02:00/x", "/by/{date}/x")]
    [InlineData("/by/2024-01", "/by/{date}")]
    [InlineData("/by/2024-01-31-report", "/by/{date}-report")]
    [InlineData("/by/2024-01-31-my-first-post-of-this-year", "/by/{id}")]
    [InlineData("/by/2024/01/31", "/by/{id}/{id}/{id}")]
    [InlineData("/by/20240131", "/by/{id}")]
    [InlineData("/ip/10.0.0.1", "/ip/{id}")]
    [InlineData("/ip/10.0.0.1:8080/x", "/ip/{id}/x")]
    [InlineData("/ip/2001:db8::ff00:42:8329", "/ip/{id}")]
    [InlineData("/mail/jane.doe@example.com", "/mail/{id}")]
    [InlineData("/mail/jane%40example.com", "/mail/{id}")]
    [InlineData("/hive/dt=2024-01-31/part", "/hive/dt={date}/part")]
    [InlineData("/odata/Products(4)", "/odata/{id}")]
    [InlineData("/v1/projects/p/locations/us-central1/jobs/1234567:cancel", "/v1/projects/p/locations/us-central1/jobs/{id}")]
    [InlineData("/s/oUxY5IAf", "/s/{id}")]
    [InlineData("/s/zjpa83ij", "/s/zjpa83ij")]
    [InlineData("/s/e401f41", "/s/{id}")]
    [InlineData("/s/V1StGXR8_Z5jdHi6B-myT", "/s/{id}")]
    [InlineData("/pods/kube-proxy-5sb4m", "/pods/{id}")]
    [InlineData("/docs/intro-to-html5", "/docs/intro-to-html5")]
    [InlineData("/rpc/createMultipartUploadV2/OAuth2Url/iPhone12ProMax", "/rpc/createMultipartUploadV2/OAuth2Url/iPhone12ProMax")]
    [InlineData("/rpc/ipv4address/md5checksum/x509cert/log4shell", "/rpc/ipv4address/md5checksum/x509cert/log4shell")]
    // Encodings and parameters
    [InlineData("/a%20b/c", "/a%20b/c")]
    [InlineData("/caf%C3%A9", "/caf%C3%A9")]
    [InlineData("/wiki/%E6%97%A5%E6%9C%AC%E8%AA%9E", "/wiki/{id}")]
    [InlineData("/announce/%124Vx%9a%bc%de%f1%23", "/announce/{id}")]
    [InlineData("/x/%zz%2", "/x/%zz%2")]
    [InlineData("/cart;jsessionid=1A2B3C4D5E6F/items", "/cart/items")]
    [InlineData("/users/17;v=2", "/users/{id}")]
    [InlineData("/;a=1/b", "/b")]
    [InlineData("/;a=1", "/")]
    [InlineData("?a=1", "/")]
    [InlineData("/a b\tc/\x7f", "/a?b?c/?")]
    // Kubernetes
    [InlineData("/api/v1/namespaces/default/pods/nginx-deployment-66b6c48dd5-x7k2p/log?follow=true", "/api/v1/namespaces/default/pods/{id}/log")]
    [InlineData("/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication")]
    [InlineData("/apis/apps/v1/namespaces/default/deployments/web/scale", "/apis/apps/v1/namespaces/default/deployments/web/scale")]
    [InlineData("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings")]
    [InlineData("/apis/autoscaling/v2beta2/horizontalpodautoscalers", "/apis/autoscaling/v2beta2/horizontalpodautoscalers")]
    [InlineData("/api/v1/nodes/ip-10-0-12-234.eu-west-1.compute.internal/status", "/api/v1/nodes/{id}/status")]
    [InlineData("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1")]
    [InlineData("/api/v1/namespaces/default/services/https:dashboard:8443/proxy/", "/api/v1/namespaces/default/services/{id}/proxy/")]
    [InlineData("/openapi/v2", "/openapi/v2")]
    // Code hosts and registries
    [InlineData("/repos/octocat/hello-world/pulls/1347/files", "/repos/octocat/hello-world/pulls/{id}/files")]
    [InlineData("/repos/octocat/hello-world/git/commits/7638417db6d59f3c431d3e1f261cc637155684cd", "/repos/octocat/hello-world/git/commits/{id}")]
    [InlineData("/octocat/hello-world/info/refs?service=git-upload-pack", "/octocat/hello-world/info/refs")]
    [InlineData("/api/v4/projects/group%2Fproject/merge_requests/5", "/api/v4/projects/{id}/merge_requests/{id}")]
    [InlineData("/v2/library/nginx/manifests/latest", "/v2/library/nginx/manifests/latest")]
    [InlineData("/v2/library/nginx/blobs/sha256:e4c58958181a5925816faa528ce959e487632f4cfd192f8132f71b32df2744b4", "/v2/library/nginx/blobs/{long}")]
    [InlineData("/@angular/core/-/core-17.0.1.tgz", "/@angular/core/-/core-17.0.1.tgz")]
    [InlineData("/react@18.2.0/umd/react.production.min.js", "/react@18.2.0/umd/react.production.min.js")]
    // Shops, blogs, forums
    [InlineData("/dp/B08N5WRWNW/ref=sr_1_1", "/dp/{id}/ref=sr_1_1")]
    [InlineData("/products/red-wool-sweater", "/products/red-wool-sweater")]
    [InlineData("/products/red-wool-sweater-83746", "/products/{id}")]
    [InlineData("/checkout/cart/add", "/checkout/cart/add")]
    [InlineData("/questions/11227809/why-is-processing-a-sorted-array-faster-than-processing-an-unsorted-array", "/questions/{id}/{long}")]
    [InlineData("/blog/how-to-make-a-cake-without-an-oven-at-all", "/blog/{id}")]
    [InlineData("/wp-admin/admin-ajax.php", "/wp-admin/admin-ajax.php")]
    [InlineData("/wp-json/wp/v2/posts/42", "/wp-json/wp/v2/posts/{id}")]
    [InlineData("/wp-content/uploads/2024/01/IMG_20240131.jpg", "/wp-content/uploads/{id}/{id}/IMG_{hash}.jpg")]
    [InlineData("/img/IMG_2041.jpg", "/img/IMG_{id}.jpg")]
    [InlineData("/wp-includes/js/jquery/jquery.min.js?ver=3.7.1", "/wp-includes/js/jquery/jquery.min.js")]
    [InlineData("/2024/01/31/hello-world/", "/{id}/{id}/{id}/hello-world/")]
    [InlineData("/xmlrpc.php", "/xmlrpc.php")]
    // Static files
    [InlineData("/favicon.ico", "/favicon.ico")]
    [InlineData("/static/app.3f2a9c1b.js", "/static/app.{hash}.js")]
    [InlineData("/static/js/main.8a1b2c3d.chunk.js", "/static/js/main.{hash}.chunk.js")]
    [InlineData("/static/js/main.8a1b2c3d.js.map", "/static/js/main.{hash}.js.map")]
    [InlineData("/_next/static/chunks/framework-2c79e2a64abdb08b.js", "/_next/static/chunks/framework-{hash}.js")]
    [InlineData("/assets/index-BxT3kq9P.css", "/assets/index-{hash}.css")]
    [InlineData("/js/jquery-3.6.0.min.js", "/js/jquery-3.6.0.min.js")]
    [InlineData("/js/bootstrap-datetimepicker-standalone.min.js", "/js/bootstrap-datetimepicker-standalone.min.js")]
    [InlineData("/fonts/roboto-v30-latin.woff2", "/fonts/roboto-v30-latin.woff2")]
    [InlineData("/img/550e8400-e29b-41d4-a716-446655440000.jpg", "/img/{id}.jpg")]
    [InlineData("/img/avatar-550e8400-e29b-41d4-a716-446655440000.jpg", "/img/avatar-{hash}.jpg")]
    [InlineData("/img/12345.png", "/img/{id}.png")]
    [InlineData("/errors/404.html", "/errors/{id}.html")]
    [InlineData("/logs/access-2024-01-31.log", "/logs/access-{date}.log")]
    [InlineData("/robots.txt", "/robots.txt")]
    [InlineData("/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", "/.well-known/acme-challenge/{id}")]
    // Health and telemetry
    [InlineData("/healthz", "/healthz")]
    [InlineData("/actuator/health/readiness", "/actuator/health/readiness")]
    [InlineData("/metrics", "/metrics")]
    [InlineData("/api/v1/query_range?query=up", "/api/v1/query_range")]
    [InlineData("/v1/traces", "/v1/traces")]
    // Databases
    [InlineData("/logs-2024.01.31/_search", "/logs-{date}/_search")]
    [InlineData("/.ds-logs-nginx-default-2024.01.31-000001/_doc", "/.ds-logs-nginx-default-{date}-{id}/_doc")]
    [InlineData("/_cluster/health", "/_cluster/health")]
    [InlineData("/my-index/_doc/W0tpsmIBdwcYyG50zbta", "/my-index/_doc/{id}")]
    [InlineData("/_bulk", "/_bulk")]
    [InlineData("/api/v2/write?org=o&bucket=b&precision=ns", "/api/v2/write")]
    [InlineData("/api/v2/buckets/03a2bbf46249a000", "/api/v2/buckets/{id}")]
    [InlineData("/write?db=telegraf", "/write")]
    // Depth
    [InlineData("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/g/h")]
    [InlineData("/a/b/c/d/e/f/g/h/", "/a/b/c/d/e/f/g/h/")]
    [InlineData("/a/b/c/d/e/f/g/h/i", "/a/b/c/d/e/f/g/h/{rest}")]
    public void Route_of(string target, string expected) => Assert.Equal(expected, RouteOf(Encoding.Latin1.GetBytes(target)));

    [Fact]
    public void Raw_utf8_becomes_question_marks_or_an_id()
    {
        Assert.Equal("/caf??", RouteOf(Encoding.UTF8.GetBytes("/café")));
        Assert.Equal("/{id}", RouteOf(Encoding.UTF8.GetBytes("/日本語")));
    }

    [Fact]
    public void A_route_never_passes_its_bound_and_says_that_more_followed()
    {
        string word = new('x', 60);
        string route = RouteOf(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("/" + word, 8))));
        Assert.Equal($"/{word}/{word}/{word}/{word}/{{rest}}", route);
        Assert.InRange(route.Length, 1, RouteTemplate.MaxBytes);
    }

    [Fact]
    public void A_short_destination_gets_a_beginning()
    {
        byte[] target = "/static/app.3f2a9c1b.js/a b/17"u8.ToArray();
        for (int length = 0; length < 64; length++)
        {
            byte[] destination = new byte[length];
            Assert.InRange(RouteTemplate.Write(target, destination), 0, length);
        }
    }

    [Fact]
    public void Any_bytes_give_a_printable_bounded_route()
    {
        Random random = new(17);
        byte[] alphabet = "/%;@?#:.-_=() aZ09fF2x\x01\xff"u8.ToArray();
        byte[] destination = new byte[RouteTemplate.MaxBytes * 2];
        for (int i = 0; i < 30_000; i++)
        {
            byte[] target = new byte[random.Next(0, 400)];
            random.NextBytes(target);
            for (int at = 0; at < target.Length && i % 3 != 0; at++)
            {
                target[at] = alphabet[target[at] % alphabet.Length];
            }
            int length = RouteTemplate.Write(target, destination);
            Assert.InRange(length, target.Length == 0 ? 0 : 1, RouteTemplate.MaxBytes);
            Assert.Equal(-1, destination.AsSpan(0, length).IndexOfAnyExceptInRange((byte)'!', (byte)'~'));
        }
    }

    [Fact]
    public void Templating_allocates_nothing()
    {
        byte[][] targets = [.. new[] { "/users/17?x=1", "/static/app.3f2a9c1b.js", "/a b/%41", "/logs-2024.01.31/_search", "/cart;x=1/y@z.io" }.Select(Encoding.ASCII.GetBytes)];
        byte[] destination = new byte[RouteTemplate.MaxBytes];
        Array.ForEach(targets, target => RouteTemplate.Write(target, destination));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            RouteTemplate.Write(targets[i % targets.Length], destination);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static string RouteOf(byte[] target)
    {
        byte[] destination = new byte[RouteTemplate.MaxBytes];
        return Encoding.ASCII.GetString(destination, 0, RouteTemplate.Write(target, destination));
    }
}
