using KubeBpfBox.Support;

namespace KubeBpfBox.Deploy;

/// <summary>The repository, and the programs that render what it deploys. None of them has a cluster here.</summary>
internal static class Tools
{
    /// <summary>The repository.</summary>
    public static string Repository { get; } = FindRepository();

    private static string Folder { get; } = Environment.GetEnvironmentVariable("DEPLOY_TOOLS") ?? "/var/cache/kubebpfbox-tools";

    /// <summary>helm.</summary>
    public static string Helm => Program("helm");

    /// <summary>kubectl.</summary>
    public static string Kubectl => Program("kubectl");

    /// <summary>Path of a file of the repository.</summary>
    public static string PathOf(string path) => Path.Combine(Repository, path);

    /// <summary>Objects of a folder of deploy/ as Kustomize makes them.</summary>
    public static Objects Kustomize(string folder) => Objects.Parse(ChildProcess.Run(Kubectl, "kustomize", PathOf(folder)));

    /// <summary>Objects of the chart.</summary>
    /// <param name="values">Options of <c>helm template</c>, as "--set", "mode=interface".</param>
    public static Objects Chart(params IEnumerable<string> values) => Objects.Parse(ChildProcess.Run(Helm, ["template", "kubebpfbox", PathOf("deploy/chart"), "--namespace", "kubebpfbox", .. values]));

    /// <summary>What helm says to values that it refuses.</summary>
    public static string ChartError(params IEnumerable<string> values)
    {
        Ended helm = Ended.Of(Helm, ["template", "kubebpfbox", PathOf("deploy/chart"), .. values]);
        Assert.NotEqual(0, helm.ExitCode);
        return helm.Errors;
    }

    private static string Program(string name)
    {
        string path = Path.Combine(Folder, name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing; tests/Deploy/tools brings it");
    }

    private static string FindRepository()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "KubeBpfBox.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("the repository");
        }
        return folder;
    }
}

/// <summary>A program that ran to its end.</summary>
internal sealed record Ended(int ExitCode, string Output, string Errors)
{
    public static Ended Of(string program, params IEnumerable<string> arguments)
    {
        using ChildProcess child = ChildProcess.Start(program, arguments);
        child.WaitForExit(TimeSpan.FromMinutes(4));
        return new Ended(child.ExitCode, child.Output, child.Errors);
    }
}
