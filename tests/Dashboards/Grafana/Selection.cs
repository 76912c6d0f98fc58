using System.Text.RegularExpressions;
using KubeBpfBox.Dashboards.Model;

namespace KubeBpfBox.Dashboards.Grafana;

/// <summary>What is chosen in a dashboard, put into its queries as Grafana does it.</summary>
/// <remarks>Source: Grafana, template_srv.ts; of its formats only "raw" is known here.</remarks>
internal sealed partial class Selection
{
    private readonly Dictionary<string, (Variable Variable, string[]? Values)> _chosen = new(StringComparer.Ordinal);

    /// <summary>Starts with what a dashboard has when it is opened.</summary>
    public Selection(DashboardFile dashboard)
    {
        foreach (Variable variable in dashboard.Variables)
        {
            _chosen[variable.Name] = (variable, variable.AllValue is null ? [variable.Current.GetString()!] : null);
        }
    }

    /// <summary>Chooses values; null for all.</summary>
    public void Choose(Variable variable, string[]? values) => _chosen[variable.Name] = (variable, values);

    /// <summary>Replaces variables and macros.</summary>
    /// <param name="text">A query.</param>
    /// <param name="macros">Values of what Grafana defines itself, such as "__interval".</param>
    /// <param name="format">How the data source writes values into its queries.</param>
    /// <exception cref="InvalidOperationException">There is no such variable.</exception>
    public string Interpolate(string text, IReadOnlyDictionary<string, string> macros, Func<Variable, string[], string> format) => Reference().Replace(text, match =>
    {
        string name = match.Groups["name"].Value;
        if (macros.TryGetValue(name, out string? macro))
        {
            return macro;
        }
        if (!_chosen.TryGetValue(name, out (Variable Variable, string[]? Values) chosen))
        {
            throw new InvalidOperationException($"no variable '{name}' for {text}");
        }
        return chosen.Values is null ? chosen.Variable.AllValue!
            : match.Groups["format"].Value == "raw" ? string.Join(',', chosen.Values)
            : format(chosen.Variable, chosen.Values);
    });

    [GeneratedRegex(@"\$(?<name>\w+)|\$\{(?<name>\w+)(:(?<format>\w+))?\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Reference();
}
