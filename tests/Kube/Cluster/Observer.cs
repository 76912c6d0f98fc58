using System.Text.Json;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube.Cluster;

/// <summary>Follows what the agent says, with <c>kubebpfbox observe -o json</c> in its pod.</summary>
/// <remarks>Of the namespace's requests only those that contain the test's mark are kept, and all events.</remarks>
internal sealed class Observer : IDisposable
{
    private readonly ChildProcess _process;
    private readonly string _mark;
    private readonly List<JsonElement> _transactions = [];
    private readonly List<JsonElement> _events = [];
    private readonly Lock _gate = new();

    /// <summary>Starts it, and waits until the agent knows of it.</summary>
    /// <param name="of">Whose pods are watched: a machine has other traffic, too.</param>
    /// <param name="mark">Text that the targets of the test's requests contain.</param>
    /// <param name="withoutApiServer">Reach the pod through containerd, so that the API server may stop meanwhile.</param>
    public Observer(string of, string mark, bool withoutApiServer = false)
    {
        _mark = mark;
        Pod agent = AgentPod.Find();
        int before = AgentPod.Watchers(agent);
        string[] observe = ["kubebpfbox", "observe", "-o", "json", "--namespace", of];
        _process = withoutApiServer
            ? ChildProcess.Start(Take, "ctr", Node.ExecArguments(agent.Containers.Single().Id!, observe))
            : ChildProcess.Start(Take, Node.Script("kubectl"), ["exec", "-n", agent.Namespace, agent.Name, "--", .. observe]);
        _process.WaitUntil(() => AgentPod.Watchers(agent) > before, "subscription", Kubectl.Patience);
    }

    /// <summary>The transactions so far whose target contains a text.</summary>
    public IReadOnlyList<Transaction> Transactions(string target)
    {
        lock (_gate)
        {
            return [.. _transactions.Select(static one => new Transaction(one)).Where(one => one.Target.Contains(target, StringComparison.Ordinal))];
        }
    }

    /// <summary>Waits until a number of such transactions has come, and a moment longer for those that should not.</summary>
    public IReadOnlyList<Transaction> Transactions(string target, int count)
    {
        Kubectl.Until(() => Transactions(target).Count >= count, () => $"{count} transactions of {target}, {Transactions(target).Count} came: {_process.Errors}", TimeSpan.FromSeconds(30));
        Thread.Sleep(500);
        return Transactions(target);
    }

    /// <summary>The events so far of a type and a pod.</summary>
    public IReadOnlyList<JsonElement> Events(string type, string pod)
    {
        lock (_gate)
        {
            return [.. _events.Where(one => one.GetProperty("event").GetString() == type
                && one.TryGetProperty("workload", out JsonElement workload) && workload.TryGetProperty("pod", out JsonElement name) && name.GetString() == pod)];
        }
    }

    /// <summary>All events so far, for messages.</summary>
    public string AllEvents
    {
        get
        {
            lock (_gate)
            {
                return string.Join('\n', _events) + _process.Errors;
            }
        }
    }

    public void Dispose() => _process.Dispose();

    private void Take(string line)
    {
        bool isEvent = line.Contains("\"event\":", StringComparison.Ordinal);
        if (!isEvent && !line.Contains(_mark, StringComparison.Ordinal))
        {
            return;
        }
        using JsonDocument document = JsonDocument.Parse(line);
        lock (_gate)
        {
            (isEvent ? _events : _transactions).Add(document.RootElement.Clone());
        }
    }
}
