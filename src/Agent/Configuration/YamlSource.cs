using System.Diagnostics.CodeAnalysis;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace KubeBpfBox.Agent.Configuration;

/// <summary>A value found in a source, and where.</summary>
/// <param name="Key">Path of the key.</param>
/// <param name="Value">Its text.</param>
/// <param name="Where">"config.yaml:12", "--set", "environment variable X".</param>
internal readonly record struct ConfiguredValue(string Key, string Value, string Where);

/// <summary>Reads a YAML file of nested mappings into key paths.</summary>
/// <remarks>Errors: <see cref="ConfigurationException"/> with file and line. Only mappings and scalars are allowed: no lists, anchors, tags.</remarks>
internal sealed class YamlSource(string path)
{
    private readonly List<ConfiguredValue> _values = [];
    private readonly HashSet<string> _seen = [];

    /// <summary>Reads the file.</summary>
    public static IReadOnlyList<ConfiguredValue> Read(string path)
    {
        YamlSource source = new(path);
        if (Directory.Exists(path))
        {
            throw new ConfigurationException($"{path}: is a directory; a YAML file is expected");
        }
        try
        {
            using StreamReader reader = new(path);
            source.ReadDocument(new Parser(reader));
        }
        catch (YamlException e)
        {
            throw new ConfigurationException($"{path}:{e.End.Line}: not YAML: {OneLine(e.InnerException?.Message ?? e.Message)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"{path}: cannot be read: {OneLine(e.Message)}");
        }
        return source._values;
    }

    private static string OneLine(string message) => message.ReplaceLineEndings(" ");

    private void ReadDocument(Parser parser)
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
        {
            return;
        }
        parser.Consume<DocumentStart>();
        if (parser.TryConsume<Scalar>(out Scalar? scalar))
        {
            if (!IsNull(scalar))
            {
                Fail(scalar, "a mapping of keys is expected at the top of the file");
            }
        }
        else if (parser.TryConsume<MappingStart>(out MappingStart? _))
        {
            ReadMapping(parser, string.Empty);
        }
        else
        {
            Fail(parser.Current, "a mapping of keys is expected at the top of the file");
        }
        parser.Consume<DocumentEnd>();
        if (parser.Accept<DocumentStart>(out DocumentStart? second))
        {
            Fail(second, "a second document; only one is read");
        }
    }

    private void ReadMapping(Parser parser, string prefix)
    {
        while (!parser.TryConsume<MappingEnd>(out MappingEnd? _))
        {
            if (!parser.TryConsume<Scalar>(out Scalar? name))
            {
                Fail(parser.Current, $"{Inside(prefix)}a key must be plain text");
            }
            string key = prefix.Length == 0 ? name.Value : prefix + "." + name.Value;
            if (parser.TryConsume<Scalar>(out Scalar? value))
            {
                if (!_seen.Add(key))
                {
                    Fail(name, $"{key} is set twice");
                }
                if (!IsNull(value))
                {
                    _values.Add(new ConfiguredValue(key, value.Value, $"{path}:{value.Start.Line}"));
                }
            }
            else if (parser.TryConsume<MappingStart>(out MappingStart? _))
            {
                ReadMapping(parser, key);
            }
            else
            {
                Fail(parser.Current, $"{key}: a single value is expected, not a list or a reference");
            }
        }
    }

    /// <summary>"key:" with nothing behind it leaves the default.</summary>
    private static bool IsNull(Scalar scalar) => scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null";

    private static string Inside(string prefix) => prefix.Length == 0 ? string.Empty : prefix + ": ";

    [DoesNotReturn]
    private void Fail(ParsingEvent? at, string what) => throw new ConfigurationException($"{path}:{at?.Start.Line ?? 1}: {what}");
}
