using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;

namespace KubeBpfBox.Unit.Kubernetes;

/// <summary>Objects of one kind and what happened to them.</summary>
internal sealed class FakeCollection : IDisposable
{
    // All kinds count with one counter, as etcd does.
    private static long s_version = 100;

    private readonly Lock _lock = new();
    private readonly List<JsonObject> _items = [];
    private readonly List<(long Version, byte[] Line)> _events = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource _ending = new();
    private long _version = 1;
    private int _watchers;
    private int _told;

    /// <summary>Watches from before this version are too old.</summary>
    public long Oldest { get; private set; }

    /// <summary>Says so with status 410, and not with an event.</summary>
    public bool RefusesOldWatches { get; set; }

    /// <summary>Fires when watches are to end.</summary>
    public CancellationToken EndOfWatches => _ending.Token;

    /// <summary>Watches that are open.</summary>
    public int Watchers => Volatile.Read(ref _watchers);

    /// <summary>Lines that were written to watches.</summary>
    public int Told => Volatile.Read(ref _told);

    public void CountTold() => Interlocked.Increment(ref _told);

    public void CountWatcher(int change) => Interlocked.Add(ref _watchers, change);

    public void Add(JsonObject item) => Change("ADDED", item);

    public void Modify(JsonObject item) => Change("MODIFIED", item);

    public void Delete(JsonObject item) => Change("DELETED", item);

    /// <summary>Changes what lists say, and tells no watch.</summary>
    public void ChangeSilently(Action<List<JsonObject>> change)
    {
        lock (_lock)
        {
            change(_items);
            _version = Interlocked.Increment(ref s_version);
        }
    }

    /// <summary>Forgets all that has happened: only lists help.</summary>
    public void Compact()
    {
        lock (_lock)
        {
            _events.Clear();
            Oldest = _version = Interlocked.Increment(ref s_version);
        }
    }

    public long Bookmark()
    {
        long version = Interlocked.Increment(ref s_version);
        Tell(version, $$$$"""{"type":"BOOKMARK","object":{"kind":"X","metadata":{"resourceVersion":"{{{{version}}}}","creationTimestamp":null},"spec":{"containers":null},"status":{}}}""");
        return version;
    }

    /// <summary>Writes a line to the watches, whatever it is.</summary>
    public void Tell(string line) => Tell(Interlocked.Increment(ref s_version), line);

    /// <summary>Ends all watches, as the server does after a while.</summary>
    public void EndWatches()
    {
        CancellationTokenSource ending = Interlocked.Exchange(ref _ending, new CancellationTokenSource());
        ending.Cancel();
    }

    public void Dispose() => _ending.Dispose();

    public JsonObject? Find(string @namespace, string name)
    {
        lock (_lock)
        {
            return _items.Find(item => (string?)item["metadata"]!["namespace"] == @namespace && (string?)item["metadata"]!["name"] == name);
        }
    }

    public JsonObject List(int offset, int limit, string? selector)
    {
        lock (_lock)
        {
            JsonObject[] all = [.. _items.Where(item => Matches(item, selector))];
            JsonObject[] page = [.. all.Skip(offset).Take(limit)];
            JsonObject meta = new() { ["resourceVersion"] = _version.ToString() };
            if (offset + page.Length < all.Length)
            {
                meta["continue"] = (offset + page.Length).ToString();
            }
            return new JsonObject { ["kind"] = "List", ["metadata"] = meta, ["items"] = new JsonArray([.. page.Select(static item => item.DeepClone())]) };
        }
    }

    public async IAsyncEnumerable<byte[]> FollowAsync(long version, [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            Task changed;
            (long Version, byte[] Line)[] news;
            lock (_lock)
            {
                changed = _changed.Task;
                news = [.. _events.Where(entry => entry.Version > version)];
            }
            foreach ((long told, byte[] line) in news)
            {
                version = told;
                yield return line;
            }
            await changed.WaitAsync(cancellation);
        }
    }

    private static bool Matches(JsonObject item, string? selector) => selector?.Split('=') switch
    {
        ["spec.nodeName", var node] => (string?)item["spec"]!["nodeName"] == node,
        ["metadata.name", var name] => (string?)item["metadata"]!["name"] == name,
        _ => true,
    };

    private void Change(string type, JsonObject item)
    {
        long version = Interlocked.Increment(ref s_version);
        item = (JsonObject)item.DeepClone();
        item["metadata"]!["resourceVersion"] = version.ToString();
        lock (_lock)
        {
            _items.RemoveAll(other => (string?)other["metadata"]!["uid"] == (string?)item["metadata"]!["uid"]);
            if (type != "DELETED")
            {
                _items.Add(item);
            }
            _version = version;
        }
        Tell(version, new JsonObject { ["type"] = type, ["object"] = item.DeepClone() }.ToJsonString());
    }

    private void Tell(long version, string line)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            _version = version;
            _events.Add((version, Encoding.UTF8.GetBytes(line + "\n")));
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        changed.SetResult();
    }
}
