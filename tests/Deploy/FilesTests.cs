using System.Globalization;
using System.Text.RegularExpressions;

namespace KubeBpfBox.Deploy;

/// <summary>Scripts, the Dockerfile and lists of files: what can be checked without running them.</summary>
public sealed partial class FilesTests
{
    [Fact]
    public void Shellcheck_finds_nothing_in_the_scripts()
    {
        string[] scripts = [.. Directory.GetFiles(Tools.PathOf("scripts"), "*.sh").Order(StringComparer.Ordinal)];

        Ended ended = Ended.Of("shellcheck", ["--external-sources", "--source-path", Tools.Repository, .. scripts, Tools.PathOf("tests/Deploy/tools")]);

        Assert.True(ended.ExitCode == 0, ended.Output + ended.Errors);
        Assert.Contains(Tools.PathOf("scripts/install.sh"), scripts);
    }

    /// <summary>No registry can be asked here, so the image itself is not built: that what it copies is there, and is not kept from it, is what can be seen.</summary>
    [Fact]
    public void The_dockerfile_copies_what_is_there()
    {
        string[] lines = [.. File.ReadAllLines(Tools.PathOf("Dockerfile"))];
        HashSet<string> stages = [.. lines.Select(static line => Stage().Match(line)).Where(static match => match.Success).Select(static match => match.Groups[1].Value)];
        string[] allowed = [.. File.ReadAllLines(Tools.PathOf(".dockerignore")).Where(static line => line.StartsWith('!')).Select(static line => line[1..])];
        int sources = 0;
        foreach (string[] words in lines.Where(static line => line.StartsWith("COPY ", StringComparison.Ordinal)).Select(static line => line.Split(' ')))
        {
            if (words[1].StartsWith("--from=", StringComparison.Ordinal))
            {
                Assert.Contains(words[1]["--from=".Length..], stages);
                continue;
            }
            foreach (string source in words[1..^1])
            {
                sources++;
                Assert.True(Path.Exists(Tools.PathOf(source)), $"COPY {source}: no such file");
                Assert.Contains(source.Split('/')[0], allowed);
            }
        }
        Assert.True(sources > 5, $"{sources} sources");
        // Every project that the agent is made of is copied.
        string agent = File.ReadAllText(Tools.PathOf("src/Agent/Agent.csproj"));
        Assert.All(ProjectReference().Matches(agent).Select(static match => match.Groups[1].Value), folder => Assert.Contains($"COPY {folder} {folder}", lines));
    }

    /// <summary>The version stands in one place for the program and in some for who deploys it.</summary>
    [Theory]
    [InlineData("deploy/base/kustomization.yaml", "    newTag: {0}")]
    [InlineData("deploy/chart/Chart.yaml", "appVersion: {0}")]
    [InlineData("deploy/chart/Chart.yaml", "version: {0}")]
    [InlineData("scripts/config.ini", "IMAGE_TAG={0}")]
    public void Versions_agree(string file, string line)
    {
        string version = Version().Match(File.ReadAllText(Tools.PathOf("Directory.Build.props"))).Groups[1].Value;

        Assert.Contains(string.Format(CultureInfo.InvariantCulture, line, version), File.ReadAllLines(Tools.PathOf(file)));
    }

    [GeneratedRegex("<Version>(.*)</Version>")]
    private static partial Regex Version();

    [GeneratedRegex("^FROM .* AS (.*)$")]
    private static partial Regex Stage();

    [GeneratedRegex("Include=\"\\.\\./\\.\\./([a-z]+)/")]
    private static partial Regex ProjectReference();
}
