using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>Remembers which series the last requests with the same bytes went to, so that templating and look-up are left out.</summary>
/// <remarks>
/// Direct-mapped: a newer target takes the place of an older one. Every field that decides the series is compared, not the hash alone.
/// Memory is fixed: <see cref="Slots"/> entries and as many times <see cref="MaxTargetBytes"/>.
/// </remarks>
internal sealed class RedTargetCache
{
    private const int Slots = 2048;
    private const int MaxTargetBytes = 96;
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    private readonly Entry[] _entries = new Entry[Slots];
    private readonly byte[] _targets = new byte[Slots * MaxTargetBytes];

    // Chosen anew at each start so that no client can aim at one slot.
    private readonly ulong _seed = (ulong)Random.Shared.NextInt64() | 1;

    /// <summary>Finds the series of an equal transaction.</summary>
    /// <param name="transaction">What to look for.</param>
    /// <param name="role">Its role.</param>
    /// <param name="method">Its method's constant.</param>
    /// <param name="slot">Where to <see cref="Set"/> it when it is not found; -1 when it cannot be kept.</param>
    /// <param name="isError">Whether such a transaction is an error.</param>
    public RedSeries? Find(in Transaction transaction, string? role, string method, out int slot, out bool isError)
    {
        ReadOnlySpan<byte> target = transaction.Target;
        if (target.Length > MaxTargetBytes)
        {
            slot = -1;
            isError = false;
            return null;
        }
        Workload workload = transaction.Connection.Workload;
        slot = SlotOf(target, workload, transaction.Status, (method.Length << 1) | (int)transaction.ClientSide);
        ref Entry entry = ref _entries[slot];
        isError = entry.IsError;
        return entry.Series is { } series && entry.Status == transaction.Status && ReferenceEquals(entry.Workload, workload)
            && ReferenceEquals(entry.Method, method) && ReferenceEquals(entry.Role, role) && ReferenceEquals(entry.Error, transaction.Error)
            && ReferenceEquals(entry.Protocol, transaction.Protocol)
            && target.SequenceEqual(_targets.AsSpan(slot * MaxTargetBytes, entry.TargetLength)) ? series : null;
    }

    /// <summary>Remembers a series in a slot that <see cref="Find"/> named.</summary>
    public void Set(int slot, in Transaction transaction, string? role, string method, RedSeries series, bool isError)
    {
        if (slot < 0)
        {
            return;
        }
        transaction.Target.CopyTo(_targets.AsSpan(slot * MaxTargetBytes));
        _entries[slot] = new Entry
        {
            Series = series,
            Workload = transaction.Connection.Workload,
            Role = role,
            Protocol = transaction.Protocol,
            Method = method,
            Error = transaction.Error,
            Status = transaction.Status,
            TargetLength = (byte)transaction.Target.Length,
            IsError = isError,
        };
    }

    /// <summary>Forgets everything; needed when series go away or room was made for new ones.</summary>
    public void Clear() => Array.Clear(_entries);

    private int SlotOf(ReadOnlySpan<byte> target, Workload workload, int status, int methodAndSide)
    {
        ulong hash = _seed ^ (ulong)RuntimeHelpers.GetHashCode(workload) ^ ((ulong)status << 32) ^ ((ulong)methodAndSide << 48);
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(target);
        foreach (ulong word in words)
        {
            hash = Mix(hash ^ word);
        }
        ulong tail = (ulong)target.Length;
        foreach (byte b in target[(words.Length * sizeof(ulong))..])
        {
            tail = (tail << 8) | b;
        }
        return (int)(Mix(hash ^ tail) % Slots);
    }

    private static ulong Mix(ulong hash)
    {
        hash *= Multiplier;
        return hash ^ BitOperations.RotateLeft(hash, 29);
    }

    private struct Entry
    {
        public RedSeries? Series;
        public Workload? Workload;
        public string? Role;
        public string? Protocol;
        public string? Method;
        public string? Error;
        public int Status;
        public byte TargetLength;
        public bool IsError;
    }
}
