using System.Net.Http.Headers;
using System.Text;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>The agent cannot start with these settings. The message is one line that names the setting and says what to do.</summary>
public sealed class InfluxDbSinkException(string message) : Exception(message);

/// <summary>Which server, and how it is asked: API v1 when <see cref="Database"/> is set, else v2, which 3.x speaks, too.</summary>
public sealed record InfluxDbServer
{
    /// <summary>Where it is: "http://influxdb:8086". May have a path, when a proxy puts the server below one.</summary>
    public required string Url { get; init; }

    /// <summary>API v2: organization. Not needed by 3.x.</summary>
    public string Org { get; init; } = string.Empty;

    /// <summary>API v2: bucket; the database of 3.x.</summary>
    public string Bucket { get; init; } = string.Empty;

    /// <summary>API v2: token. Appears in no message.</summary>
    public string Token { get; init; } = string.Empty;

    /// <summary>API v1: database.</summary>
    public string Database { get; init; } = string.Empty;

    /// <summary>API v1: retention policy; the database's default one when empty.</summary>
    public string RetentionPolicy { get; init; } = string.Empty;

    /// <summary>API v1: user; empty when the server wants none.</summary>
    public string Username { get; init; } = string.Empty;

    /// <summary>API v1: password. Appears in no message.</summary>
    public string Password { get; init; } = string.Empty;

    /// <summary>Authorities to believe instead of the system's, a PEM file; empty for the system's.</summary>
    public string CaFile { get; init; } = string.Empty;

    /// <summary>How long one batch may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>True for API v1.</summary>
    public bool IsV1 => Database.Length > 0;

    /// <summary>Where to and into what, for messages.</summary>
    public string Description => IsV1 ? $"{Url}, database {Database}" : $"{Url}, bucket {Bucket}";

    /// <summary>Address of writes.</summary>
    /// <exception cref="InfluxDbSinkException">The settings make none.</exception>
    public Uri WriteAddress()
    {
        const string Example = "set it to an address such as http://influxdb:8086";
        if (!Uri.TryCreate(Url, UriKind.Absolute, out Uri? url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps) || url.Host.Length == 0)
        {
            // What is no address may hold a password all the same.
            throw new InfluxDbSinkException($"sinks.influxdb.url: is no address of a server; {Example}");
        }
        if (url.UserInfo.Length > 0)
        {
            throw new InfluxDbSinkException("sinks.influxdb.url: has a user name in it; set sinks.influxdb.username and sinks.influxdb.password, or sinks.influxdb.token, instead");
        }
        if (url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            throw new InfluxDbSinkException($"sinks.influxdb.url: has a query; {Example}");
        }
        if (!IsV1 && Bucket.Length == 0)
        {
            throw new InfluxDbSinkException("sinks.influxdb.bucket: is not set; set it with sinks.influxdb.token (InfluxDB 2.x and 3.x), or set sinks.influxdb.database (1.x)");
        }
        StringBuilder address = new(url.GetLeftPart(UriPartial.Path).TrimEnd('/'));
        address.Append(IsV1 ? "/write?precision=ns" : "/api/v2/write?precision=ns");
        Append(address, "db", Database);
        Append(address, "rp", IsV1 ? RetentionPolicy : string.Empty);
        Append(address, "org", IsV1 ? string.Empty : Org);
        Append(address, "bucket", IsV1 ? string.Empty : Bucket);
        return new Uri(address.ToString());
    }

    /// <summary>The header Authorization; null for none.</summary>
    /// <exception cref="InfluxDbSinkException">A credential cannot be sent.</exception>
    public AuthenticationHeaderValue? Authorization()
    {
        if (!IsV1)
        {
            // Files of Secrets often end with a line feed.
            string token = Token.Trim();
            return token.Length == 0 ? null : token.All(static c => c is >= ' ' and <= '~')
                ? new AuthenticationHeaderValue("Token", token)
                : throw new InfluxDbSinkException("sinks.influxdb.token: has characters that no token has; copy it anew");
        }
        if (Username.Length == 0)
        {
            return null;
        }
        if (Username.Contains(':', StringComparison.Ordinal))
        {
            throw new InfluxDbSinkException("sinks.influxdb.username: has a colon, which basic authentication cannot send; use another user");
        }
        return new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Username}:{Password}")));
    }

    /// <inheritdoc/>
    /// <remarks>Without the credentials, which a record prints by itself.</remarks>
    public override string ToString() => Description;

    private static void Append(StringBuilder address, string name, string value)
    {
        if (value.Length > 0)
        {
            address.Append('&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        }
    }
}
