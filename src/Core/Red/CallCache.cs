using System.Runtime.CompilerServices;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>Remembers which call the last transactions between two workloads went to, so that no name is hashed or compared.</summary>
/// <remarks>
/// Direct-mapped: a newer pair takes the place of an older one. By pair and not by connection, so that a connection's first request finds it,
/// too, and that nothing has to be forgotten when a connection is used again or gets other names. Memory is fixed.
/// </remarks>
internal sealed class CallCache
{
    private const int Slots = 1024;

    private readonly Entry[] _entries = new Entry[Slots];

    /// <summary>Finds the call.</summary>
    /// <param name="ends">Both ends; found when these very instances were set.</param>
    /// <param name="slot">Where to <see cref="Set"/> it when it is not found.</param>
    public Call? Find(in CallEnds ends, out int slot)
    {
        uint hash = ((uint)RuntimeHelpers.GetHashCode(ends.Source) * 0x9E37_79B1) + (uint)RuntimeHelpers.GetHashCode(ends.Destination) + ends.Role[0];
        slot = (int)((hash * 0x85EB_CA6B) >> 22);
        ref Entry entry = ref _entries[slot];
        return ReferenceEquals(entry.Ends.Source, ends.Source) && ReferenceEquals(entry.Ends.Destination, ends.Destination)
            && ReferenceEquals(entry.Ends.Role, ends.Role) && ReferenceEquals(entry.Ends.Protocol, ends.Protocol) ? entry.Call : null;
    }

    /// <summary>Remembers a call in a slot that <see cref="Find"/> named.</summary>
    public void Set(int slot, in CallEnds ends, Call call) => _entries[slot] = new Entry { Ends = ends, Call = call };

    /// <summary>Forgets everything; needed when calls go away.</summary>
    public void Clear() => Array.Clear(_entries);

    private struct Entry
    {
        public CallEnds Ends;
        public Call? Call;
    }
}
