using System.Globalization;
using System.Text.Json;

namespace KubeBpfBox.Unit.Api;

/// <summary>Checks JSON against the schemas of an OpenAPI document. Strict: a word of a schema that it does not know fails the test that uses it.</summary>
/// <remarks>Source: JSON Schema 2020-12, core and validation, the part that the document uses.</remarks>
internal sealed class JsonSchema(JsonElement document)
{
    /// <summary>What is wrong, each with its place; empty for nothing.</summary>
    /// <param name="reference">"#/components/schemas/Status".</param>
    /// <param name="value">What to check.</param>
    public IReadOnlyList<string> Check(string reference, JsonElement value)
    {
        List<string> problems = [];
        Check(Resolve(reference), value, "$", problems);
        return problems;
    }

    /// <summary>Follows a reference within the document.</summary>
    public JsonElement Resolve(string reference) =>
        reference.Split('/').Skip(1).Aggregate(document, static (at, name) => at.GetProperty(name.Replace("~1", "/", StringComparison.Ordinal)));

    private void Check(JsonElement schema, JsonElement value, string at, List<string> problems)
    {
        foreach (JsonProperty word in schema.EnumerateObject())
        {
            switch (word.Name)
            {
                case "description" or "default" or "example":
                    break;
                case "$ref":
                    Check(Resolve(word.Value.GetString()!), value, at, problems);
                    break;
                case "type":
                    Require(IsOfType(word.Value, value), $"{at}: {value.ValueKind} is no {word.Value}", problems);
                    break;
                case "enum":
                    Require(word.Value.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)), $"{at}: {value} is not among {word.Value}", problems);
                    break;
                case "minimum":
                    Require(value.ValueKind != JsonValueKind.Number || value.GetDouble() >= word.Value.GetDouble(), $"{at}: {value} is below {word.Value}", problems);
                    break;
                case "maximum":
                    Require(value.ValueKind != JsonValueKind.Number || value.GetDouble() <= word.Value.GetDouble(), $"{at}: {value} is above {word.Value}", problems);
                    break;
                case "format":
                    Require(HasFormat(word.Value.GetString()!, value), $"{at}: {value} is no {word.Value}", problems);
                    break;
                case "required":
                    CheckRequired(word.Value, value, at, problems);
                    break;
                case "oneOf":
                    Require(word.Value.EnumerateArray().Count(one => Matches(one, value)) == 1, $"{at}: {value} is not one of {word.Value}", problems);
                    break;
                case "items":
                    CheckItems(word.Value, value, at, problems);
                    break;
                case "properties" or "additionalProperties":
                    CheckProperties(schema, value, at, problems);
                    break;
                default:
                    problems.Add($"{at}: the schema's {word.Name} is not known to the test");
                    break;
            }
        }
    }

    private bool Matches(JsonElement schema, JsonElement value)
    {
        List<string> problems = [];
        Check(schema, value, "$", problems);
        return problems.Count == 0;
    }

    private static void CheckRequired(JsonElement names, JsonElement value, string at, List<string> problems)
    {
        foreach (JsonElement name in names.EnumerateArray())
        {
            Require(value.ValueKind != JsonValueKind.Object || value.TryGetProperty(name.GetString()!, out _), $"{at}: lacks {name}", problems);
        }
    }

    private void CheckItems(JsonElement schema, JsonElement value, string at, List<string> problems)
    {
        int index = 0;
        foreach (JsonElement item in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : default)
        {
            Check(schema, item, $"{at}[{index++}]", problems);
        }
    }

    private void CheckProperties(JsonElement schema, JsonElement value, string at, List<string> problems)
    {
        foreach (JsonProperty member in value.ValueKind == JsonValueKind.Object ? value.EnumerateObject() : default)
        {
            string place = $"{at}.{member.Name}";
            if (schema.TryGetProperty("properties", out JsonElement properties) && properties.TryGetProperty(member.Name, out JsonElement known))
            {
                Check(known, member.Value, place, problems);
            }
            else if (schema.TryGetProperty("additionalProperties", out JsonElement others))
            {
                Require(others.ValueKind != JsonValueKind.False, $"{place}: is not in the schema", problems);
                if (others.ValueKind == JsonValueKind.Object)
                {
                    Check(others, member.Value, place, problems);
                }
            }
        }
    }

    private static void Require(bool holds, string problem, List<string> problems)
    {
        if (!holds && !problems.Contains(problem))
        {
            problems.Add(problem);
        }
    }

    private static bool IsOfType(JsonElement type, JsonElement value) => type.ValueKind == JsonValueKind.Array
        ? type.EnumerateArray().Any(one => IsOfType(one, value))
        : type.GetString() switch
        {
            "string" => value.ValueKind == JsonValueKind.String,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            "number" => value.ValueKind == JsonValueKind.Number,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "null" => value.ValueKind == JsonValueKind.Null,
            _ => false,
        };

    private static bool HasFormat(string format, JsonElement value) => format switch
    {
        "int64" => value.ValueKind != JsonValueKind.Number || value.TryGetInt64(out _),
        "date-time" => value.ValueKind != JsonValueKind.String || IsDateTime(value.GetString()!),
        _ => false,
    };

    /// <summary>RFC 3339 in UTC; .NET reads seven digits of a second, the agent writes nine.</summary>
    private static bool IsDateTime(string text) =>
        text.EndsWith('Z') && DateTime.TryParseExact(text[..^1].Split('.')[0], "yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
}
