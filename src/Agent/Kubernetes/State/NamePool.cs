namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>Keeps one copy of names that many objects share: namespaces, nodes, workloads, Services.</summary>
/// <remarks>Threads: any. Memory: emptied when full; names in use then merely have a second copy.</remarks>
internal sealed class NamePool
{
    private const int MaxNames = 32_768;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>The copy to keep.</summary>
    public string Share(string name)
    {
        lock (_lock)
        {
            if (_names.TryGetValue(name, out string? known))
            {
                return known;
            }
            if (_names.Count == MaxNames)
            {
                _names.Clear();
            }
            _names.Add(name, name);
            return name;
        }
    }
}
