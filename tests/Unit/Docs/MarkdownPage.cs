using System.Globalization;
using System.Text.RegularExpressions;

namespace KubeBpfBox.Unit.Docs;

/// <summary>What a page of Markdown links to, and which of its headings can be linked to.</summary>
/// <remarks>
/// Fenced code and code spans hold no links. Source: GitHub Flavored Markdown sections 4.2 (headings), 4.5 (fences), 6.3 (code spans) and 6.6 (links); anchors as
/// GitHub makes them of headings.
/// </remarks>
internal sealed partial class MarkdownPage
{
    private readonly List<string> _links = [];
    private readonly HashSet<string> _anchors = new(StringComparer.Ordinal);

    public MarkdownPage(string text)
    {
        bool isCode = false;
        foreach (string line in text.Split('\n'))
        {
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                isCode = !isCode;
            }
            else if (!isCode)
            {
                Read(line);
            }
        }
    }

    /// <summary>Targets as they are written.</summary>
    public IReadOnlyList<string> Links => _links;

    /// <summary>What may stand behind the "#" of a link to this page.</summary>
    public IReadOnlySet<string> Anchors => _anchors;

    private void Read(string line)
    {
        if (Heading().Match(line) is { Success: true } heading)
        {
            string slug = SlugOf(LinkInHeading().Replace(heading.Groups["text"].Value, "$1"));
            string anchor = slug;
            for (int i = 1; !_anchors.Add(anchor); i++)
            {
                anchor = string.Create(CultureInfo.InvariantCulture, $"{slug}-{i}");
            }
        }
        foreach (Match link in Link().Matches(CodeSpan().Replace(line, string.Empty)))
        {
            _links.Add(Uri.UnescapeDataString(link.Groups["target"].Value));
        }
    }

    private static string SlugOf(string heading) =>
        string.Concat(heading.Trim().ToLowerInvariant().Where(static c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_').Select(static c => c == ' ' ? '-' : c));

    [GeneratedRegex(@"^#{1,6} (?<text>.+)$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkInHeading();

    [GeneratedRegex(@"(`+).+?\1")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\]\((?<target>[^()\s]+)(\s[^()]*)?\)")]
    private static partial Regex Link();
}
