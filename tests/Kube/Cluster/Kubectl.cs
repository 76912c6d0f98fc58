using System.Diagnostics;
using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube.Cluster;

/// <summary>kubectl against the node's API server.</summary>
internal static class Kubectl
{
    /// <summary>How long a cluster on two busy cores may take for anything.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Runs it to its end.</summary>
    /// <returns>Its standard output.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static string Run(params IEnumerable<string> arguments)
    {
        using ChildProcess child = Start(arguments);
        child.WaitForExit(Patience * 2);
        return child.ExitCode == 0 ? child.Output : throw new InvalidOperationException($"'{child.Description}' exited with {child.ExitCode}: {child.Errors}{child.Output}");
    }

    /// <summary>Starts it.</summary>
    public static ChildProcess Start(params IEnumerable<string> arguments) => ChildProcess.Start(Node.Script("kubectl"), arguments);

    /// <summary>An object, or a list of them.</summary>
    public static JsonElement Get(params IEnumerable<string> arguments)
    {
        using JsonDocument document = JsonDocument.Parse(Run(["get", "-o", "json", .. arguments]));
        return document.RootElement.Clone();
    }

    /// <summary>Applies YAML.</summary>
    public static void Apply(string yaml)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("objects.yaml");
        File.WriteAllText(path, yaml);
        Run("apply", "-f", path);
    }

    /// <summary>Polls until a condition holds.</summary>
    /// <exception cref="TimeoutException">It did not.</exception>
    public static void Until(Func<bool> condition, Func<string> what, TimeSpan? limit = null)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > (limit ?? Patience))
            {
                throw new TimeoutException($"not within {(limit ?? Patience).TotalSeconds} s: {what()}");
            }
            Thread.Sleep(100);
        }
    }
}
