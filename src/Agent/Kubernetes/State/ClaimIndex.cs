namespace KubeBpfBox.Agent.Kubernetes.State;

/// <summary>Who claims a key: mostly one, at times several, in a given order.</summary>
/// <remarks>Threads: guarded by its owner.</remarks>
internal sealed class ClaimIndex<TKey, TValue>(Comparison<TValue> order)
    where TKey : struct, IEquatable<TKey>
    where TValue : class
{
    private readonly Dictionary<TKey, TValue[]> _claims = [];

    public int Count => _claims.Count;

    public bool Contains(TKey key) => _claims.ContainsKey(key);

    /// <summary>All claimants, the first in order first. Valid until the next change.</summary>
    public ReadOnlySpan<TValue> Of(TKey key) => _claims.TryGetValue(key, out TValue[]? values) ? values : default;

    public void Add(TKey key, TValue value)
    {
        ReadOnlySpan<TValue> before = Of(key);
        int at = 0;
        while (at < before.Length && order(before[at], value) <= 0)
        {
            at++;
        }
        _claims[key] = [.. before[..at], value, .. before[at..]];
    }

    /// <summary>Takes back what was added, by reference.</summary>
    public void Remove(TKey key, TValue value)
    {
        ReadOnlySpan<TValue> before = Of(key);
        for (int i = 0; i < before.Length; i++)
        {
            if (!ReferenceEquals(before[i], value))
            {
                continue;
            }
            if (before.Length == 1)
            {
                _claims.Remove(key);
            }
            else
            {
                _claims[key] = [.. before[..i], .. before[(i + 1)..]];
            }
            return;
        }
    }
}
