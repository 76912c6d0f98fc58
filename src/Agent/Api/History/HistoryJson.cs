using System.Text.Json;

namespace KubeBpfBox.Agent.Api.History;

/// <summary>Members that several answers have.</summary>
internal static class HistoryJson
{
    /// <summary>The range, and whence it came.</summary>
    public static void WriteRange(Utf8JsonWriter json, HistoryPlan plan)
    {
        json.WriteString("since"u8, TimeOf(plan.Range.SinceS));
        json.WriteString("until"u8, TimeOf(plan.Range.UntilS));
        json.WriteNumber("step_s"u8, plan.Range.StepS);
        json.WriteString("source"u8, plan.Source);
        if (plan.KnownSinceS is { } known)
        {
            json.WriteString("known_since"u8, TimeOf(known));
        }
        else
        {
            json.WriteNull("known_since"u8);
        }
    }

    /// <summary>A workload's names.</summary>
    public static void WriteNames(Utf8JsonWriter json, WorkloadId workload)
    {
        json.WriteString("workload"u8, workload.Name);
        WriteIfKnown(json, "kind"u8, workload.Kind);
        WriteIfKnown(json, "namespace"u8, workload.Namespace);
    }

    /// <summary>A text that may not be known.</summary>
    public static void WriteIfKnown(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    /// <summary>Rate, errors and durations.</summary>
    public static void WriteSummary(Utf8JsonWriter json, Sums sums, HistoryPlan plan)
    {
        json.WriteNumber("requests"u8, sums.Requests);
        json.WriteNumber("requests_per_second"u8, Math.Round((double)sums.Requests / plan.KnownSeconds, 3));
        json.WriteNumber("errors"u8, sums.Errors);
        json.WriteNumber("error_ratio"u8, Math.Round(sums.ErrorRatio, 6));
        json.WriteNumber("p50_ns"u8, sums.Durations.QuantileNs(0.5));
        json.WriteNumber("p90_ns"u8, sums.Durations.QuantileNs(0.9));
        json.WriteNumber("p99_ns"u8, sums.Durations.QuantileNs(0.99));
        json.WriteNumber("max_ns"u8, sums.Durations.MaxNs);
    }

    /// <summary>Bytes of both directions.</summary>
    public static void WriteBytes(Utf8JsonWriter json, Sums sums)
    {
        json.WriteNumber("request_bytes"u8, sums.RequestBytes);
        json.WriteNumber("response_bytes"u8, sums.ResponseBytes);
    }

    /// <summary>The small chart of a row.</summary>
    public static void WriteSpark(Utf8JsonWriter json, Spark spark)
    {
        json.WriteStartObject("spark"u8);
        WriteNumbers(json, "requests"u8, spark.Requests);
        WriteNumbers(json, "errors"u8, spark.Errors);
        json.WriteEndObject();
    }

    /// <summary>An array of numbers.</summary>
    public static void WriteNumbers(Utf8JsonWriter json, ReadOnlySpan<byte> name, ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(name);
        WriteNumbers(json, numbers);
        json.WriteEndArray();
    }

    /// <summary>The numbers of an array.</summary>
    public static void WriteNumbers(Utf8JsonWriter json, ReadOnlySpan<long> numbers)
    {
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }
    }

    /// <summary>An array of texts.</summary>
    public static void WriteTexts(Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    }

    private static DateTime TimeOf(long seconds) => DateTime.UnixEpoch.AddSeconds(seconds);
}
