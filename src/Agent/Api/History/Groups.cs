namespace KubeBpfBox.Agent.Api.History;

/// <summary>One group for each key. Beyond a bound further keys share one, so that a query's memory is bounded whatever a store holds.</summary>
internal sealed class Groups<TKey, TGroup>(TKey overflow, Func<TKey, TGroup> make)
    where TKey : notnull
    where TGroup : class
{
    /// <summary>Several times what the agent's own table of series can hold at once.</summary>
    public const int MaxGroups = 10_000;

    private readonly Dictionary<TKey, TGroup> _groups = [];

    /// <summary>All groups.</summary>
    public IReadOnlyCollection<TGroup> All => _groups.Values;

    /// <summary>The group of a key.</summary>
    public TGroup this[TKey key]
    {
        get
        {
            if (_groups.TryGetValue(key, out TGroup? group))
            {
                return group;
            }
            return _groups.Count < MaxGroups || key.Equals(overflow) ? _groups[key] = make(key) : this[overflow];
        }
    }
}
