using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace KubeBpfBox.Bpf;

/// <summary>The programs or the maps of an object, by name, in the object's order.</summary>
public sealed class BpfCollection<T> : IReadOnlyCollection<T>
    where T : class, INamed
{
    private readonly Dictionary<string, T> _byName;
    private readonly string _owner, _kind;

    internal BpfCollection(string owner, string kind, IEnumerable<T> items)
    {
        _owner = owner;
        _kind = kind;
        _byName = items.ToDictionary(static item => item.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public int Count => _byName.Count;

    /// <summary>The one of that name.</summary>
    /// <exception cref="BpfException">There is none; the message lists those that are there.</exception>
    public T this[string name] => _byName.TryGetValue(name, out T? item)
        ? item
        : throw new BpfException($"BPF object '{_owner}' has no {_kind} '{name}'; it has {string.Join(", ", _byName.Keys)}");

    /// <summary>The one of that name, if there is one.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out T? item) => _byName.TryGetValue(name, out item);

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => _byName.Values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Something that has a name in the C source.</summary>
public interface INamed
{
    /// <summary>The C name.</summary>
    string Name { get; }
}
