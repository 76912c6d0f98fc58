using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Core.History;

/// <summary>Numbers for the keys that windows use; a key goes with the last window that used it.</summary>
/// <remarks>Not thread-safe, but for what <see cref="Publish"/> gave: that is never changed.</remarks>
/// <param name="comparer">What tells keys apart.</param>
/// <param name="bytesOf">What a key takes in memory.</param>
internal sealed class HistoryKeys<TKey>(IEqualityComparer<TKey> comparer, Func<TKey, long> bytesOf)
    where TKey : class
{
    private readonly Dictionary<TKey, int> _ids = new(comparer);
    private readonly List<(TKey? Key, int Uses)> _entries = [];
    private readonly Stack<int> _free = new();
    private TKey?[]? _published;

    /// <summary>Bytes of all keys in use.</summary>
    public long Bytes { get; private set; }

    /// <summary>What a key takes in memory.</summary>
    public long BytesOf(TKey key) => bytesOf(key);

    /// <summary>Counts a use.</summary>
    /// <returns>The key's number.</returns>
    public int Use(TKey key)
    {
        if (_ids.TryGetValue(key, out int id))
        {
            _entries[id] = _entries[id] with { Uses = _entries[id].Uses + 1 };
            return id;
        }
        _published = null;
        Bytes += bytesOf(key);
        if (_free.TryPop(out id))
        {
            _entries[id] = (key, 1);
        }
        else
        {
            id = _entries.Count;
            _entries.Add((key, 1));
        }
        _ids.Add(key, id);
        return id;
    }

    /// <summary>Takes a use back.</summary>
    public void Release(int id)
    {
        (TKey? key, int uses) = _entries[id];
        if (uses > 1)
        {
            _entries[id] = (key, uses - 1);
            return;
        }
        _published = null;
        Bytes -= bytesOf(key!);
        _ids.Remove(key!);
        _entries[id] = default;
        _free.Push(id);
    }

    /// <summary>The keys by number, for readers: numbers may mean other keys later, not in here.</summary>
    public TKey?[] Publish() => _published ??= [.. _entries.Select(static entry => entry.Key)];
}

/// <summary>What tells series apart: as the table does, the names of the workload and not how it was found.</summary>
internal sealed class SeriesIdentity : IEqualityComparer<SeriesKey>
{
    public static SeriesIdentity Instance { get; } = new();

    public bool Equals(SeriesKey? x, SeriesKey? y) => ReferenceEquals(x, y) || (x is not null && y is not null && x.Status == y.Status
        && x.IsOverflow == y.IsOverflow && x.Route == y.Route && x.Method == y.Method && x.Role == y.Role && x.Protocol == y.Protocol
        && x.ErrorType == y.ErrorType && RedIdentity.AreSame(x.Workload, y.Workload));

    public int GetHashCode(SeriesKey obj)
    {
        HashCode hash = default;
        RedIdentity.AddTo(ref hash, obj.Workload);
        hash.Add(obj.Role);
        hash.Add(obj.Method);
        hash.Add(obj.Route);
        hash.Add(obj.Status);
        hash.Add(obj.ErrorType);
        return hash.ToHashCode();
    }
}
