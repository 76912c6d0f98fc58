using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>Reads all elements of a hash map, many with one system call (Linux 5.6).</summary>
/// <remarks>
/// Use: <c>reader.Restart(); while (reader.Next(out keys, out values)) …</c>
/// Shape: as <see cref="BpfHashMap{TKey,TValue}"/>. An element that is there all the while is seen once; one that is added or removed meanwhile may or may not be.
/// Lifetime: a view, valid until the object is disposed. The spans are this reader's own buffers, valid until the next call.
/// Threads: not safe for concurrent use of one instance.
/// </remarks>
public sealed unsafe class BpfBatchReader<TKey, TValue>
    where TKey : unmanaged
    where TValue : unmanaged
{
    /// <summary>BPF_F_LOCK.</summary>
    private const ulong UnderLock = 4;

    private readonly BpfMap _map;
    private readonly int _fd;
    private readonly ulong _flags;
    private TKey[] _keys;
    private TValue[] _values;
    private uint _cursor;
    private bool _hasCursor;
    private bool _atEnd;

    /// <summary>Makes the reader.</summary>
    /// <param name="map">A hash or LRU hash map.</param>
    /// <param name="locked">True when values have a bpf_spin_lock: each is copied under it, so it is consistent in itself.</param>
    /// <param name="batch">Elements read by one call; more when a bucket of the map holds more.</param>
    /// <exception cref="BpfException">The map has another type, or other sizes.</exception>
    public BpfBatchReader(BpfMap map, bool locked = false, int batch = 256)
    {
        map.Require(sizeof(TKey), sizeof(TValue), BpfMapType.Hash, BpfMapType.LruHash);
        _map = map;
        _fd = map.Fd;
        _flags = locked ? UnderLock : 0;
        _keys = new TKey[batch];
        _values = new TValue[batch];
    }

    /// <summary>Starts at the map's beginning.</summary>
    public void Restart() => _hasCursor = _atEnd = false;

    /// <summary>Reads on.</summary>
    /// <param name="keys">What was read, one or more.</param>
    /// <param name="values">Their values.</param>
    /// <returns>False at the end.</returns>
    public bool Next(out ReadOnlySpan<TKey> keys, out ReadOnlySpan<TValue> values)
    {
        while (!_atEnd)
        {
            int count = Read();
            if (count > 0)
            {
                keys = _keys.AsSpan(0, count);
                values = _values.AsSpan(0, count);
                return true;
            }
        }
        keys = default;
        values = default;
        return false;
    }

    private int Read()
    {
        BatchOptions options = new() { Size = (nuint)sizeof(BatchOptions), ElementFlags = _flags };
        uint count = (uint)_keys.Length, cursor = _cursor;
        int result;
        fixed (TKey* keys = _keys)
        fixed (TValue* values = _values)
        fixed (uint* next = &_cursor)
        {
            result = Libbpf.bpf_map_lookup_batch(_fd, _hasCursor ? &cursor : null, next, keys, values, &count, &options);
        }
        switch (result)
        {
            case 0:
                _hasCursor = true;
                return (int)count;
            case -Errors.ENOENT:
                _atEnd = true;
                return (int)count;
            case -Errors.ENOSPC:
                // A bucket holds more elements than there is room for: nothing was read, and the cursor is at that bucket.
                _hasCursor = true;
                _keys = new TKey[_keys.Length * 2];
                _values = new TValue[_values.Length * 2];
                return 0;
            default:
                throw BpfException.From($"read all of {_map}", result);
        }
    }
}
