using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Docs;

/// <summary>Links between the repository's pages.</summary>
public sealed class LinksTests
{
    // What is built or fetched, and what agents wrote while somebody tried them.
    private static readonly string[] s_notOurs = ["artifacts", "bin", "data", "node_modules", "obj"];

    [Fact]
    public void Each_relative_link_leads_to_a_file_and_a_heading_that_exist()
    {
        Dictionary<string, MarkdownPage> pages = PathsBelow(Repository.Root).ToDictionary(static path => path, static path => new MarkdownPage(File.ReadAllText(path)));
        Assert.Contains(Path.Combine(Repository.Root, "docs", "README.md"), pages.Keys);

        List<string> broken = [];
        foreach ((string path, MarkdownPage page) in pages)
        {
            broken.AddRange(page.Links.Where(link => !IsOutside(link) && !Leads(path, link, pages)).Select(link => $"{Path.GetRelativePath(Repository.Root, path)}: {link}"));
        }
        Assert.Empty(broken);
    }

    [Fact]
    public void Samples_are_the_same_in_both_languages()
    {
        string[] english = SamplesOf("README.md");
        Assert.NotEmpty(english);
        Assert.Equal(english, SamplesOf("README.zh-CN.md"));
    }

    [Theory]
    [InlineData("# What it may do, and why\n", "what-it-may-do-and-why")]
    [InlineData("## `red_pod` of [Grafana](x.md)\n", "red_pod-of-grafana")]
    [InlineData("# Twice\n# Twice\n", "twice-1")]
    [InlineData("## 与旧版的对应\n", "与旧版的对应")]
    public void Headings_have_the_anchors_that_GitHub_gives_them(string text, string anchor) => Assert.Contains(anchor, new MarkdownPage(text).Anchors);

    [Fact]
    public void Links_in_code_are_none()
    {
        MarkdownPage page = new("[`a`](a.md), [b\nc](b%20c.md#d \"title\") ![e](e.png) `[f](f.md)`\n```\n# no heading\n[g](g.md)\n```\n[h](#i)\n");
        Assert.Equal(["a.md", "b c.md#d", "e.png", "#i"], page.Links);
        Assert.Empty(page.Anchors);
    }

    private static IEnumerable<string> PathsBelow(string directory) =>
        Directory.EnumerateFiles(directory, "*.md").Concat(
            Directory.EnumerateDirectories(directory).Where(static path => Path.GetFileName(path) is var name && name[0] != '.' && !s_notOurs.Contains(name)).SelectMany(PathsBelow));

    private static bool IsOutside(string link) => link.Contains("://", StringComparison.Ordinal) || link.StartsWith("mailto:", StringComparison.Ordinal);

    private static bool Leads(string from, string link, Dictionary<string, MarkdownPage> pages)
    {
        string[] parts = link.Split('#', 2);
        string target = parts[0].Length == 0 ? from : Path.GetFullPath(parts[0], Path.GetDirectoryName(from)!);
        return target.StartsWith(Repository.Root + "/", StringComparison.Ordinal) && Path.Exists(target)
            && (parts.Length == 1 || (pages.TryGetValue(target, out MarkdownPage? page) && page.Anchors.Contains(parts[1])));
    }

    /// <summary>The lines of a page's indented code, but for those with a comment: comments are translated.</summary>
    private static string[] SamplesOf(string name) =>
        [.. File.ReadLines(Path.Combine(Repository.Root, name)).Where(static line => line.StartsWith("    ", StringComparison.Ordinal) && !line.Contains('#', StringComparison.Ordinal))];
}
