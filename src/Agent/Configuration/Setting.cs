using System.Globalization;

namespace KubeBpfBox.Agent.Configuration;

/// <summary>One setting: its key, what may be written there, and where the value goes.</summary>
internal sealed record Setting
{
    private readonly Func<string, AgentOptions, bool> _tryApply;

    private Setting(string key, string type, string defaultText, string allowed, string doc, Func<string, AgentOptions, bool> tryApply)
    {
        Key = key;
        Type = type;
        Default = defaultText;
        Allowed = allowed;
        Doc = doc;
        _tryApply = tryApply;
    }

    /// <summary>Path of the key: "streams.max_bytes".</summary>
    public string Key { get; }

    /// <summary>"text", "size", "duration", "number", "ratio", "yes or no", "choice".</summary>
    public string Type { get; }

    /// <summary>Default, as it would be written.</summary>
    public string Default { get; }

    /// <summary>What is allowed, for messages and the sample.</summary>
    public string Allowed { get; }

    /// <summary>One line on what it does.</summary>
    public string Doc { get; }

    /// <summary>An environment variable of another name that sets it too; null when there is none.</summary>
    public string? EnvironmentAlias { get; init; }

    /// <summary>True for a value that no message may show.</summary>
    public bool IsSecret { get; init; }

    /// <summary>The environment variable that sets it.</summary>
    public string EnvironmentName => "KUBEBPFBOX_" + Key.Replace('.', '_').ToUpperInvariant();

    /// <summary>Sets the value; false when the text is not allowed.</summary>
    public bool TryApply(string text, AgentOptions options) => _tryApply(text, options);

    public static Setting Text(string key, string defaultText, string allowed, string doc, Action<AgentOptions, string> set, Func<string, bool>? isAllowed = null) =>
        new(key, "text", defaultText, allowed, doc, (text, options) => Apply(isAllowed is null || isAllowed(text), options, text, set));

    public static Setting Bytes(string key, long defaultBytes, long min, long max, string doc, Action<AgentOptions, long> set, Func<long, bool>? isAllowed = null, string? allowed = null) =>
        new(key, "size", Units.FormatBytes(defaultBytes), allowed ?? $"a size from {Units.FormatBytes(min)} to {Units.FormatBytes(max)}, such as 4MiB or 512KiB", doc,
            (text, options) => Units.TryParseBytes(text, out long bytes) && Apply(bytes >= min && bytes <= max && (isAllowed is null || isAllowed(bytes)), options, bytes, set));

    public static Setting Duration(string key, long defaultNs, long minNs, long maxNs, string doc, Action<AgentOptions, long> set) =>
        new(key, "duration", Units.FormatDuration(defaultNs), $"a duration from {Units.FormatDuration(minNs)} to {Units.FormatDuration(maxNs)}, such as 100ms, 10s, 5m or 24h", doc,
            (text, options) => Units.TryParseDuration(text, out long ns) && Apply(ns >= minNs && ns <= maxNs, options, ns, set));

    public static Setting Number(string key, long defaultNumber, long min, long max, string doc, Action<AgentOptions, long> set) =>
        new(key, "number", defaultNumber.ToString(CultureInfo.InvariantCulture), $"a whole number from {min} to {max}", doc,
            (text, options) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && Apply(number >= min && number <= max, options, number, set));

    public static Setting Flag(string key, bool defaultFlag, string doc, Action<AgentOptions, bool> set) =>
        new(key, "yes or no", defaultFlag ? "true" : "false", "true or false", doc,
            (text, options) => bool.TryParse(text, out bool flag) && Apply(true, options, flag, set));

    public static Setting Choice(string key, string defaultText, string[] choices, string doc, Action<AgentOptions, string> set) =>
        new(key, "choice", defaultText, string.Join(", ", choices[..^1]) + " or " + choices[^1], doc,
            (text, options) => Apply(choices.Contains(text), options, text, set));

    /// <summary>A choice among an enumeration's names, in lower case.</summary>
    public static Setting Choice<T>(string key, T defaultValue, string doc, Action<AgentOptions, T> set)
        where T : struct, Enum =>
        Choice(key, NameOf(defaultValue), [.. Enum.GetValues<T>().Select(NameOf)], doc, (options, text) => set(options, Enum.GetValues<T>().First(value => NameOf(value) == text)));

    public static Setting Ratio(string key, double defaultRatio, string doc, Action<AgentOptions, double> set) =>
        new(key, "ratio", defaultRatio.ToString(CultureInfo.InvariantCulture), "a number from 0 to 1, such as 0.01", doc,
            (text, options) => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double ratio) && Apply(ratio is >= 0 and <= 1, options, ratio, set));

    private static string NameOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static bool Apply<T>(bool isAllowed, AgentOptions options, T value, Action<AgentOptions, T> set)
    {
        if (isAllowed)
        {
            set(options, value);
        }
        return isAllowed;
    }
}
