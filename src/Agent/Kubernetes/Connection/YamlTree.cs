using System.Diagnostics.CodeAnalysis;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace KubeBpfBox.Agent.Kubernetes.Connection;

/// <summary>A value of a kubeconfig: text, a list or a mapping, and the path of its key for messages.</summary>
/// <remarks>Errors: <see cref="AgentException"/> with file and key. Absent values and "null" are the same.</remarks>
internal sealed class YamlTree
{
    private const int MaxDepth = 32;

    private readonly string _file;
    private readonly string _key;
    private readonly string? _text;
    private readonly List<YamlTree>? _items;
    private readonly Dictionary<string, YamlTree>? _fields;

    private YamlTree(string file, string key, string? text, List<YamlTree>? items, Dictionary<string, YamlTree>? fields) =>
        (_file, _key, _text, _items, _fields) = (file, key, text, items, fields);

    /// <summary>File and key.</summary>
    public string Where => _key.Length == 0 ? _file : $"{_file}: {_key}";

    /// <summary>Names of the fields that are set.</summary>
    public IEnumerable<string> FieldNames => _fields?.Keys ?? (IEnumerable<string>)[];

    /// <summary>Reads a file of one document; JSON is YAML, too.</summary>
    public static YamlTree Read(string path)
    {
        try
        {
            using StreamReader reader = new(path);
            Parser parser = new(reader);
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
            {
                throw new AgentException($"{path}: is empty; a kubeconfig is expected");
            }
            parser.Consume<DocumentStart>();
            return ReadValue(parser, path, string.Empty, 0);
        }
        catch (YamlException e)
        {
            throw new AgentException($"{path}:{e.End.Line}: not YAML: {ApiException.OneLine(e.InnerException?.Message ?? e.Message)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException($"{path}: cannot be read: {ApiException.OneLine(e.Message)}");
        }
    }

    /// <summary>A field of a mapping; an empty value when it is not set.</summary>
    public YamlTree Field(string name)
    {
        if (_fields is null && !IsAbsent)
        {
            Fail("a mapping of keys is expected");
        }
        return _fields is not null && _fields.TryGetValue(name, out YamlTree? value) ? value : new YamlTree(_file, _key.Length == 0 ? name : $"{_key}.{name}", null, null, null);
    }

    /// <summary>The element of a list that has this "name".</summary>
    public YamlTree Named(string name)
    {
        string[] names = [.. Items().Select(static item => item.Field("name").Text() ?? string.Empty)];
        int at = Array.IndexOf(names, name);
        if (at < 0)
        {
            Fail($"has no entry named '{name}'; it has {(names.Length == 0 ? "none" : string.Join(", ", names))}");
        }
        YamlTree found = _items![at];
        return new YamlTree(_file, $"{_key}[{name}]", null, null, found._fields?.ToDictionary(static pair => pair.Key, pair => pair.Value.Under($"{_key}[{name}].{pair.Key}")));
    }

    /// <summary>Text; null when it is not set or empty.</summary>
    public string? Text()
    {
        if (_items is not null || _fields is not null)
        {
            Fail("a single value is expected");
        }
        return string.IsNullOrEmpty(_text) ? null : _text;
    }

    /// <summary>Text that must be there.</summary>
    public string Required()
    {
        if (Text() is not { } text)
        {
            Fail("is not set");
            return string.Empty;
        }
        return text;
    }

    /// <summary>True or false; false when it is not set.</summary>
    public bool Flag()
    {
        string? text = Text();
        if (text is not (null or "true" or "false"))
        {
            Fail($"'{text}' is not allowed; allowed are true and false");
        }
        return text == "true";
    }

    /// <summary>Elements; none when it is not set.</summary>
    public IReadOnlyList<YamlTree> Items()
    {
        if (_items is null && !IsAbsent)
        {
            Fail("a list is expected");
        }
        return _items ?? (IReadOnlyList<YamlTree>)[];
    }

    /// <summary>True when it is not set.</summary>
    public bool IsAbsent => _text is null && _items is null && _fields is null;

    [DoesNotReturn]
    public void Fail(string what) => throw new AgentException($"{Where}: {what}");

    private YamlTree Under(string key) => new(
        _file,
        key,
        _text,
        _items?.ConvertAll(item => item.Under(key + item._key[_key.Length..])),
        _fields?.ToDictionary(static pair => pair.Key, pair => pair.Value.Under($"{key}.{pair.Key}")));

    private static YamlTree ReadValue(Parser parser, string file, string key, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new AgentException($"{file}: {key}: is nested too deeply");
        }
        if (parser.TryConsume<Scalar>(out Scalar? scalar))
        {
            bool isNull = scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null";
            return new YamlTree(file, key, isNull ? null : scalar.Value, null, null);
        }
        if (parser.TryConsume<SequenceStart>(out _))
        {
            List<YamlTree> items = [];
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                items.Add(ReadValue(parser, file, $"{key}[{items.Count}]", depth + 1));
            }
            return new YamlTree(file, key, null, items, null);
        }
        if (!parser.TryConsume<MappingStart>(out _))
        {
            throw new AgentException($"{file}:{parser.Current?.Start.Line ?? 1}: {key}: a value is expected, not a reference");
        }
        Dictionary<string, YamlTree> fields = new(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            string name = parser.Consume<Scalar>().Value;
            fields[name] = ReadValue(parser, file, key.Length == 0 ? name : $"{key}.{name}", depth + 1);
        }
        return new YamlTree(file, key, null, null, fields);
    }
}
