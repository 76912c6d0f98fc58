using System.Text.Json;
using KubeBpfBox.Kernel.Traffic;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>One agent that watches one cgroup of ours, nginx inside it, and an observer: shared by the tests that leave it as it was.</summary>
/// <remarks>Only what <see cref="Inside"/> makes is seen: whatever else the machine does, counts are exact.</remarks>
public sealed class AgentFixture : IDisposable
{
    private readonly TestCgroup _cgroup = new();
    private readonly List<JsonElement> _seen = [];
    private int _parsedChars;

    public AgentFixture()
    {
        try
        {
            Agent = new AgentProcess(_cgroup.FolderPath);
            Observer = Agent.Observe("-o", "json");
            Port = AgentProcess.FreePort();
            Nginx = Inside(() => new NginxServer(null, Port));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal AgentProcess Agent { get; } = null!;

    internal string CgroupPath => _cgroup.FolderPath;

    internal NginxServer Nginx { get; } = null!;

    internal ChildProcess Observer { get; } = null!;

    /// <summary>nginx's port.</summary>
    internal int Port { get; }

    /// <summary>Does something with the test's process inside the watched cgroup: sockets and processes made then belong to it.</summary>
    internal T Inside<T>(Func<T> function)
    {
        _cgroup.Enter();
        try
        {
            return function();
        }
        finally
        {
            _cgroup.Leave();
        }
    }

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
        Nginx?.Dispose();
        Agent?.Dispose();
        _cgroup.Dispose();
    }

    private void Parse()
    {
        string output = Observer.Output;
        int end = output.LastIndexOf('\n') + 1;
        foreach (string line in output[_parsedChars..end].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            _seen.Add(document.RootElement.Clone());
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
