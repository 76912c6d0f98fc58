using System.Text.Json;
using KubeBpfBox.Core.Red;
using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>/api/red: the series since the start, and their rate of late (<see cref="RateMeter"/>).</summary>
internal sealed class RedHandler(Func<IReadOnlyList<RedSeriesSnapshot>> red)
{
    private readonly RateMeter _rates = new();

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        IReadOnlyList<RedSeriesSnapshot> series = red();
        double[] rates = _rates.Measure(series);
        await using (Utf8JsonWriter json = new(context.Response.BodyWriter))
        {
            json.WriteStartObject();
            json.WriteStartArray("series"u8);
            for (int i = 0; i < series.Count; i++)
            {
                Write(json, series[i], rates[i]);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static void Write(Utf8JsonWriter json, RedSeriesSnapshot series, double perSecond)
    {
        json.WriteStartObject();
        json.WriteString("workload"u8, series.Workload.Name);
        WriteIfKnown(json, "kind"u8, series.Workload.Kind);
        WriteIfKnown(json, "namespace"u8, series.Workload.Namespace);
        WriteIfKnown(json, "pod"u8, series.Workload.Pod);
        WriteIfKnown(json, "container"u8, series.Workload.Container);
        WriteIfKnown(json, "service"u8, series.Workload.Service);
        json.WriteString("role"u8, series.Role);
        json.WriteString("protocol"u8, series.Protocol);
        json.WriteString("method"u8, series.Method);
        json.WriteString("route"u8, series.Route);
        if (series.Status == 0)
        {
            json.WriteNull("status"u8);
        }
        else
        {
            json.WriteNumber("status"u8, series.Status);
        }
        json.WriteString("error_type"u8, series.ErrorType);
        json.WriteBoolean("overflow"u8, series.IsOverflow);
        json.WriteNumber("requests"u8, series.Count);
        json.WriteNumber("errors"u8, series.Errors);
        json.WriteNumber("requests_per_second"u8, Math.Round(perSecond, 3));
        json.WriteNumber("request_bytes"u8, series.RequestBytes);
        json.WriteNumber("response_bytes"u8, series.ResponseBytes);
        json.WriteNumber("p50_ns"u8, series.Duration.QuantileNs(0.5));
        json.WriteNumber("p90_ns"u8, series.Duration.QuantileNs(0.9));
        json.WriteNumber("p99_ns"u8, series.Duration.QuantileNs(0.99));
        json.WriteNumber("max_ns"u8, series.Duration.MaxNs);
        json.WriteEndObject();
    }

    private static void WriteIfKnown(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }
}
