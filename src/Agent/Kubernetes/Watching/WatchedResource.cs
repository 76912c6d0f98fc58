using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KubeBpfBox.Agent.Kubernetes.Objects;

namespace KubeBpfBox.Agent.Kubernetes.Watching;

/// <summary>A kind of object: where it is at the API server, and what becomes of it here.</summary>
/// <param name="path">Path below the server's address, with a first slash.</param>
/// <param name="selector">Further parameters of a query, each with a first ampersand.</param>
internal abstract class WatchedResource(string path, string selector)
{
    public string Path => path;

    public string Selector => selector;

    /// <summary>Forgets pages of a list that was not finished.</summary>
    public abstract void StartList();

    /// <summary>Takes in a page.</summary>
    public abstract Task<ListMeta> ReadPageAsync(Stream page, CancellationToken cancellation);

    /// <summary>The pages are all there are: what is not in them is gone.</summary>
    public abstract void FinishList();

    /// <summary>Does what a watch tells.</summary>
    /// <returns>The resource version that was reached; null when the object has none.</returns>
    /// <exception cref="JsonException">The object is not what it should be.</exception>
    public abstract string? Apply(WatchKind kind, ReadOnlySpan<byte> @object);
}

/// <summary>A kind of object, read as <typeparamref name="TObject"/> and kept as <typeparamref name="TKept"/>.</summary>
internal sealed class WatchedResource<TObject, TKept>(string path, string selector) : WatchedResource(path, selector)
    where TObject : ApiObject
    where TKept : class
{
    private readonly List<TKept> _listed = [];

    public required JsonTypeInfo<ObjectList<TObject>> ListType { private get; init; }

    public required JsonTypeInfo<TObject> ObjectType { private get; init; }

    /// <summary>Takes from an object what is kept; null for an object that is none.</summary>
    public required Func<TObject, TKept?> Read { private get; init; }

    public required Action<TKept> Upsert { private get; init; }

    public required Action<TKept> Remove { private get; init; }

    public required Action<IReadOnlyList<TKept>> Replace { private get; init; }

    public override void StartList() => _listed.Clear();

    public override async Task<ListMeta> ReadPageAsync(Stream page, CancellationToken cancellation)
    {
        ObjectList<TObject>? list = await JsonSerializer.DeserializeAsync(page, ListType, cancellation).ConfigureAwait(false);
        foreach (TObject? item in list?.Items ?? [])
        {
            if (item is not null && Read(item) is { } kept)
            {
                _listed.Add(kept);
            }
        }
        return list?.Metadata ?? throw new JsonException("the answer is no list");
    }

    public override void FinishList()
    {
        Replace(_listed);
        _listed.Clear();
        _listed.TrimExcess();
    }

    public override string? Apply(WatchKind kind, ReadOnlySpan<byte> @object)
    {
        TObject? item = JsonSerializer.Deserialize(@object, ObjectType);
        if (item is not null && kind is WatchKind.Added or WatchKind.Modified or WatchKind.Deleted && Read(item!) is { } kept)
        {
            (kind == WatchKind.Deleted ? Remove : Upsert)(kept);
        }
        return item?.Metadata?.ResourceVersion;
    }
}
