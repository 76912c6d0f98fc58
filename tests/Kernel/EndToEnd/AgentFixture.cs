using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>One agent that watches one <see cref="Island"/>, and an observer: shared by the tests that leave it as it was.</summary>
/// <remarks>No floods here: the observer's output is kept to be searched.</remarks>
public sealed class AgentFixture : IDisposable
{
    private readonly Island _island = new();
    private readonly List<JsonElement> _seen = [];
    private int _parsedChars;

    public AgentFixture()
    {
        try
        {
            Agent = new AgentProcess(CgroupPath);
            Observer = Agent.Observe("-o", "json");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal AgentProcess Agent { get; } = null!;

    internal ChildProcess Observer { get; } = null!;

    internal string CgroupPath => _island.CgroupPath;

    internal NginxServer Nginx => _island.Nginx;

    internal int Port => _island.Port;

    internal T Inside<T>(Func<T> function) => _island.Inside(function);

    /// <summary>The transactions with this target, once there are as many.</summary>
    internal IReadOnlyList<JsonElement> Seen(string target, int count = 2)
    {
        List<JsonElement> found = [];
        Agent.Until(
            () =>
            {
                Parse();
                found = _seen.FindAll(one => one.GetProperty("target").GetString() == target);
                return found.Count >= count;
            },
            $"{count} transactions of {target}");
        return found;
    }

    internal JsonElement Seen(string target, string role) => Seen(target).Single(one => one.GetProperty("role").GetString() == role);

    public void Dispose()
    {
        Observer?.Dispose();
        Agent?.Dispose();
        _island.Dispose();
    }

    private void Parse()
    {
        string output = Observer.Output;
        int end = output.LastIndexOf('\n') + 1;
        foreach (string line in output[_parsedChars..end].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            // Events of the node are not of this fixture's island only.
            if (!document.RootElement.TryGetProperty("event", out _))
            {
                _seen.Add(document.RootElement.Clone());
            }
        }
        _parsedChars = end;
    }
}

/// <summary>Tests that share the one agent.</summary>
[CollectionDefinition(Name)]
public sealed class SharedAgent : ICollectionFixture<AgentFixture>
{
    public const string Name = "shared agent";
}
