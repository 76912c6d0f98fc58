using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>One path that is answered.</summary>
/// <param name="Path">The path.</param>
/// <param name="Parameters">Parameters that it knows; null where others may bring their own (a probe, a scraper).</param>
/// <param name="Handler">Answers.</param>
/// <param name="IsOpen">True when no token is asked for.</param>
internal sealed record Operation(string Path, IReadOnlyList<string>? Parameters, RequestDelegate Handler, bool IsOpen = false)
{
    /// <summary>
    /// What is wrong with the parameters' names; null when nothing is. One that is not known must not be passed over: with a filter's name
    /// misspelt, everything would be shown and taken for what was asked for.
    /// </summary>
    public string? ProblemWith(IQueryCollection query)
    {
        foreach ((string name, var values) in query)
        {
            if (Parameters is not null && !Parameters.Contains(name))
            {
                return $"{name}: {Path} has no such parameter; {(Parameters.Count == 0 ? "it has none" : $"it has {string.Join(", ", Parameters)}")}";
            }
            if (Parameters is not null && values.Count > 1)
            {
                return $"{name}: is given {values.Count} times";
            }
        }
        return null;
    }
}
