using System.Diagnostics.CodeAnalysis;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>What an update demands of the key (BPF_ANY, BPF_NOEXIST, BPF_EXIST).</summary>
public enum UpdateMode : ulong
{
    /// <summary>Insert or replace.</summary>
    Any = 0,

    /// <summary>Insert only.</summary>
    NoExist = 1,

    /// <summary>Replace only.</summary>
    Exist = 2,
}

/// <summary>A hash, LRU hash or prefix-trie map, seen as C# structs.</summary>
/// <remarks>
/// Shape: <typeparamref name="TKey"/> and <typeparamref name="TValue"/> are the bytes of the C structs, padding included; keep padding
/// of keys zero, because it is part of the key.
/// Lifetime: a view; valid until the object is disposed. Values are copies.
/// Threads: each call is one system call, safe from all threads.
/// </remarks>
public sealed unsafe class BpfHashMap<TKey, TValue>
    where TKey : unmanaged
    where TValue : unmanaged
{
    private readonly BpfMap _map;
    private readonly int _fd;

    /// <summary>Makes the view.</summary>
    /// <exception cref="BpfException">The map has another type, or other sizes.</exception>
    public BpfHashMap(BpfMap map)
    {
        map.Require(sizeof(TKey), sizeof(TValue), BpfMapType.Hash, BpfMapType.LruHash, BpfMapType.LpmTrie);
        _map = map;
        _fd = map.Fd;
    }

    /// <summary>Reads an element.</summary>
    public bool TryGet(in TKey key, out TValue value)
    {
        value = default;
        fixed (TKey* k = &key)
        fixed (TValue* v = &value)
        {
            return Found(Libbpf.bpf_map_lookup_elem(_fd, k, v), "look up in");
        }
    }

    /// <summary>Writes an element.</summary>
    /// <returns>False when <paramref name="mode"/> forbids it, or the map is full.</returns>
    public bool TrySet(in TKey key, in TValue value, UpdateMode mode = UpdateMode.Any)
    {
        fixed (TKey* k = &key)
        fixed (TValue* v = &value)
        {
            int result = Libbpf.bpf_map_update_elem(_fd, k, v, (ulong)mode);
            return result is 0 || (-result is Errors.EEXIST or Errors.ENOENT or Errors.E2BIG or Errors.ENOSPC or Errors.ENOMEM or Errors.EBUSY
                ? false
                : throw BpfException.From($"update {_map}", result));
        }
    }

    /// <summary>Writes an element.</summary>
    /// <exception cref="BpfException">The map is full.</exception>
    public void Set(in TKey key, in TValue value)
    {
        if (!TrySet(key, value))
        {
            throw new BpfException($"{_map} is full: it has room for {_map.MaxEntries} elements", Errors.E2BIG);
        }
    }

    /// <summary>Removes an element.</summary>
    /// <returns>False when it was not there.</returns>
    public bool Remove(in TKey key)
    {
        fixed (TKey* k = &key)
        {
            return Found(Libbpf.bpf_map_delete_elem(_fd, k), "delete from");
        }
    }

    /// <summary>ENOTSUPP of the kernel's own include/linux/errno.h, which user space has no name for.</summary>
    private const int KernelNotSupported = 524;

    /// <summary>Reads and removes an element: at once from Linux 5.14 on, one after the other on older kernels.</summary>
    public bool TryTake(in TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        value = default;
        fixed (TKey* k = &key)
        fixed (TValue* v = &value)
        {
            int result = Libbpf.bpf_map_lookup_and_delete_elem(_fd, k, v);
            return result == -KernelNotSupported ? TryGet(in key, out value) && Remove(in key) : Found(result, "take from");
        }
    }

    /// <summary>Walks the keys that are there. Keys added or removed meanwhile may or may not be seen.</summary>
    /// <remarks>
    /// The key given last may be removed by the caller. If another party removes it the kernel starts over, so the walk ends
    /// after <see cref="BpfMap.MaxEntries"/> steps at most and a key may be seen twice.
    /// </remarks>
    public Enumerator GetEnumerator() => new(this, _map.MaxEntries);

    /// <summary>Removes all elements.</summary>
    public int Clear()
    {
        int removed = 0;
        while (TryNextKey(null, out TKey first))
        {
            removed += Remove(first) ? 1 : 0;
        }
        return removed;
    }

    /// <param name="key">Null: the first.</param>
    /// <param name="next">The key after it.</param>
    private bool TryNextKey(TKey* key, out TKey next)
    {
        fixed (TKey* n = &next)
        {
            return Found(Libbpf.bpf_map_get_next_key(_fd, key, n), "walk");
        }
    }

    private bool Found(int result, string operation) => result switch
    {
        0 => true,
        -Errors.ENOENT => false,
        _ => throw BpfException.From($"{operation} {_map}", result),
    };

    /// <summary>Walks keys; one key ahead, so that the current one may be removed.</summary>
    public struct Enumerator
    {
        private readonly BpfHashMap<TKey, TValue> _map;
        private TKey _next;
        private bool _hasNext;
        private int _left;

        internal Enumerator(BpfHashMap<TKey, TValue> map, int limit)
        {
            _map = map;
            _left = limit;
            Current = default;
            _hasNext = map.TryNextKey(null, out _next);
        }

        /// <summary>The key.</summary>
        public TKey Current { get; private set; }

        /// <summary>Goes to the next key.</summary>
        public bool MoveNext()
        {
            if (!_hasNext || _left-- == 0)
            {
                return false;
            }
            TKey current = _next;
            Current = current;
            _hasNext = _map.TryNextKey(&current, out _next);
            return true;
        }
    }
}
