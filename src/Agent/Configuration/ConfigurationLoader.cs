using System.Collections;
using System.Text.RegularExpressions;

namespace KubeBpfBox.Agent.Configuration;

/// <summary>Puts the sources over each other: defaults, file, environment, <c>--set</c>.</summary>
internal static partial class ConfigurationLoader
{
    private const string EnvironmentPrefix = "KUBEBPFBOX_";

    /// <summary>What holds when nothing is said.</summary>
    public static AgentOptions Defaults() => Load(null, [], new Hashtable());

    /// <summary>Loads all sources.</summary>
    /// <param name="file">The YAML file; null for none.</param>
    /// <param name="sets">"KEY=VALUE" each.</param>
    /// <param name="environment">The process's environment.</param>
    /// <exception cref="ConfigurationException">A key is not known or a value is not allowed.</exception>
    public static AgentOptions Load(string? file, IReadOnlyList<string> sets, IDictionary environment)
    {
        AgentOptions options = new();
        foreach (Setting setting in SettingsTable.All)
        {
            Apply(options, setting, new ConfiguredValue(setting.Key, setting.Default, "default"));
        }
        if (file is not null)
        {
            foreach (ConfiguredValue value in YamlSource.Read(file))
            {
                Apply(options, value);
            }
        }
        ApplyEnvironment(options, environment);
        foreach (string set in sets)
        {
            int equals = set.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new ConfigurationException($"--set {set}: KEY=VALUE is expected, such as --set api.listen=127.0.0.1:9501");
            }
            Apply(options, new ConfiguredValue(set[..equals], set[(equals + 1)..], "--set"));
        }
        if (options.NodeName.Length == 0)
        {
            options.NodeName = Environment.MachineName;
        }
        return options;
    }

    private static void ApplyEnvironment(AgentOptions options, IDictionary environment)
    {
        foreach (Setting setting in SettingsTable.All)
        {
            // The general name wins over the alias. An empty variable is as good as none: manifests often leave one empty.
            foreach (string? name in (ReadOnlySpan<string?>)[setting.EnvironmentAlias, setting.EnvironmentName])
            {
                if (name is not null && environment[name] is string { Length: > 0 } text)
                {
                    Apply(options, setting, new ConfiguredValue(setting.Key, text, "environment variable " + name));
                }
            }
        }
        foreach (string name in environment.Keys.OfType<string>().Order(StringComparer.Ordinal))
        {
            if (name.StartsWith(EnvironmentPrefix, StringComparison.Ordinal) && !KubernetesServiceVariable().IsMatch(name)
                && !SettingsTable.All.Any(setting => setting.EnvironmentName == name))
            {
                string guess = name[EnvironmentPrefix.Length..].ToLowerInvariant();
                throw new ConfigurationException($"environment variable {name}: no such setting{Suggest(guess, static setting => setting.EnvironmentName)}");
            }
        }
    }

    private static void Apply(AgentOptions options, ConfiguredValue value)
    {
        Setting setting = SettingsTable.Find(value.Key)
            ?? throw new ConfigurationException($"{value.Where}: {value.Key}: no such setting{Suggest(value.Key, static setting => setting.Key)}");
        Apply(options, setting, value);
    }

    private static void Apply(AgentOptions options, Setting setting, ConfiguredValue value)
    {
        if (!setting.TryApply(value.Value, options))
        {
            throw new ConfigurationException($"{value.Where}: {setting.Key}: {(setting.IsSecret ? "the value" : $"'{Printable(value.Value)}'")} is not allowed; allowed is {setting.Allowed}");
        }
    }

    private static string Suggest(string key, Func<Setting, string> spell)
    {
        string? nearest = SettingsTable.Nearest(key.Replace('_', '.')) ?? SettingsTable.Nearest(key);
        if (nearest is not null)
        {
            Setting setting = SettingsTable.Find(nearest)!;
            return $"; did you mean {spell(setting)} ({setting.Allowed})?";
        }
        string section = key.Split('.', 2)[0];
        Setting[] known = [.. SettingsTable.All.Where(setting => setting.Key.StartsWith(section + ".", StringComparison.Ordinal))];
        return known.Length > 0
            ? $"; {section} has {string.Join(", ", known.Select(spell))}"
            : $"; sections are {string.Join(", ", SettingsTable.All.Select(static setting => setting.Key.Split('.', 2)[0]).Distinct())}";
    }

    private static string Printable(string value) => string.Concat(value.Select(static c => char.IsControl(c) ? '?' : c));

    /// <summary>What Kubernetes puts into every container's environment when a Service is called kubebpfbox.</summary>
    [GeneratedRegex("^KUBEBPFBOX_(SERVICE_(HOST|PORT.*)|PORT(_[0-9]+_(TCP|UDP|SCTP).*)?)$")]
    private static partial Regex KubernetesServiceVariable();
}
