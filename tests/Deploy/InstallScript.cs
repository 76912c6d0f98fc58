using KubeBpfBox.Support;

namespace KubeBpfBox.Deploy;

/// <summary>scripts/install.sh with a config.ini of its own, and no cluster.</summary>
/// <remarks>Lifetime: <see cref="Dispose"/> removes the file.</remarks>
internal sealed class InstallScript : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public InstallScript(string config)
    {
        ConfigPath = _folder.PathOf("config.ini");
        File.WriteAllText(ConfigPath, config);
    }

    /// <summary>Its config.ini.</summary>
    public string ConfigPath { get; }

    /// <summary>Objects that it would apply.</summary>
    public Objects Render()
    {
        Ended ended = Run(["--dry-run"]);
        Assert.True(ended.ExitCode == 0, ended.Errors);
        return Objects.Parse(ended.Output);
    }

    /// <summary>Runs it as users do, with `sh`.</summary>
    /// <param name="options">Options beside --config.</param>
    /// <param name="script">The script.</param>
    /// <param name="environment">"NAME=VALUE" each, over ours.</param>
    public Ended Run(IEnumerable<string> options, string script = "install.sh", params IEnumerable<string> environment) =>
        Ended.Of("env", ["KUBECTL=" + Tools.Kubectl, "KUBECONFIG=/dev/null", .. environment, "sh", Tools.PathOf("scripts/" + script), "--config", ConfigPath, .. options]);

    public void Dispose() => _folder.Dispose();
}
