using System.Globalization;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace KubeBpfBox.Deploy;

/// <summary>Kubernetes objects of a YAML stream, in a form in which two tools' output can be compared.</summary>
internal sealed partial class Objects
{
    private readonly Dictionary<string, YamlMappingNode> _byName = new(StringComparer.Ordinal);

    /// <summary>Names of the objects, as "DaemonSet/kubebpfbox"; without the hash of a ConfigMap's content.</summary>
    public IReadOnlyList<string> Names => [.. _byName.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Parses a stream of documents; empty ones are left out.</summary>
    public static Objects Parse(string yaml)
    {
        YamlStream stream = [];
        using StringReader reader = new(yaml);
        stream.Load(reader);
        Objects objects = new();
        foreach (YamlMappingNode node in stream.Documents.Select(static document => document.RootNode).OfType<YamlMappingNode>())
        {
            objects._byName.Add($"{Text(node, "kind")}/{WithoutHash(Text(node, "metadata", "name"))}", node);
        }
        return objects;
    }

    /// <summary>An object in canonical form: one line a value, by its path, in order.</summary>
    /// <remarks>
    /// Left out or made equal: labels that Helm adds to an object itself, the hash in a ConfigMap's name, the order of keys and of lists whose items have a
    /// name, and the namespace that the Kustomize of kubectl 1.20 gives to a PriorityClass, which has none.
    /// </remarks>
    public string Canonical(string name)
    {
        List<string> lines = [];
        Write(lines, "", _byName[name]);
        lines.RemoveAll(line => HelmLabel().IsMatch(line) || (name.StartsWith("PriorityClass/", StringComparison.Ordinal) && line.StartsWith("/metadata/namespace", StringComparison.Ordinal)));
        lines.Sort(StringComparer.Ordinal);
        return string.Join('\n', lines);
    }

    /// <summary>A value by its path; null when there is none.</summary>
    public string? Find(string name, params IEnumerable<string> path)
    {
        YamlNode? node = _byName[name];
        foreach (string key in path)
        {
            node = node switch
            {
                YamlMappingNode mapping => mapping.Children.TryGetValue(key, out YamlNode? child) ? child : null,
                YamlSequenceNode sequence => sequence.Children.ElementAtOrDefault(int.Parse(key, CultureInfo.InvariantCulture)),
                _ => null,
            };
        }
        return (node as YamlScalarNode)?.Value;
    }

    private static string Text(YamlMappingNode node, params ReadOnlySpan<string> path)
    {
        YamlNode at = node;
        foreach (string key in path)
        {
            at = at[key];
        }
        return ((YamlScalarNode)at).Value!;
    }

    private static void Write(List<string> lines, string path, YamlNode node)
    {
        switch (node)
        {
            case YamlMappingNode { Children.Count: > 0 } mapping:
                foreach ((YamlNode key, YamlNode value) in mapping.Children)
                {
                    Write(lines, $"{path}/{key}", value);
                }
                break;
            case YamlSequenceNode { Children.Count: > 0 } sequence:
                for (int index = 0; index < sequence.Children.Count; index++)
                {
                    YamlNode item = sequence.Children[index];
                    bool isNamed = item is YamlMappingNode named && named.Children.ContainsKey("name");
                    Write(lines, $"{path}[{(isNamed ? item["name"] : index.ToString(CultureInfo.InvariantCulture))}]", item);
                }
                break;
            case YamlScalarNode scalar:
                lines.Add($"{path} = {Value(scalar)}");
                break;
            default:
                lines.Add($"{path} is empty");
                break;
        }
    }

    /// <summary>A text is quoted, another value is not: "true" and true are two things to Kubernetes.</summary>
    private static string Value(YamlScalarNode scalar)
    {
        string text = WithoutHash(scalar.Value ?? "");
        return scalar.Style == ScalarStyle.Plain && NotText().IsMatch(text) ? text : $"\"{text}\"";
    }

    private static string WithoutHash(string text) => Hash().Replace(text, "$1");

    /// <summary>Of Kustomize: ten letters and digits.</summary>
    [GeneratedRegex("^(kubebpfbox|kubebpfbox-influxdb-ca)-[a-z0-9]{10}$")]
    private static partial Regex Hash();

    [GeneratedRegex("^(true|false|null|~|-?[0-9]+(\\.[0-9]+)?)?$")]
    private static partial Regex NotText();

    [GeneratedRegex("^/metadata/labels/(helm\\.sh/chart|app\\.kubernetes\\.io/(managed-by|instance|version)) = ")]
    private static partial Regex HelmLabel();
}
