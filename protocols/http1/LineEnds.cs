using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KubeBpfBox.Protocols.Http1;

/// <summary>Walks the line feeds of a run of bytes, 64 bytes at a time: a head has a dozen short lines, too short to search one by one.</summary>
/// <remarks>Lifetime: aliases the bytes it was made for.</remarks>
internal ref struct LineEnds
{
    private const int Block = 64;

    private readonly ReadOnlySpan<byte> _data;
    private int _block;
    private ulong _found;

    /// <summary>Starts at <paramref name="at"/>; what is in front of it is not looked at.</summary>
    public LineEnds(ReadOnlySpan<byte> data, int at)
    {
        _data = data;
        _block = at;
        _found = at < data.Length ? Search(at) : 0;
    }

    /// <summary>Position of the next line feed, -1 when there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Next()
    {
        while (_found == 0)
        {
            _block += Block;
            if (_block >= _data.Length)
            {
                _block = _data.Length;
                return -1;
            }
            _found = Search(_block);
        }
        int end = _block + BitOperations.TrailingZeroCount(_found);
        _found &= _found - 1;
        return end;
    }

    /// <summary>One bit for each of up to 64 bytes, set where there is a line feed.</summary>
    private readonly ulong Search(int at)
    {
        int rest = _data.Length - at;
        if (rest >= Block)
        {
            return SearchBlock(ref Unsafe.Add(ref MemoryMarshal.GetReference(_data), at));
        }
        if (_data.Length >= Block)
        {
            // The last 64 bytes, without those that were looked at before.
            return SearchBlock(ref Unsafe.Add(ref MemoryMarshal.GetReference(_data), _data.Length - Block)) >> (Block - rest);
        }
        ref byte start = ref MemoryMarshal.GetReference(_data);
        if (_data.Length >= 32)
        {
            // The first and the last 32 bytes; where they overlap both say the same.
            return (SearchHalf(ref start) | (SearchHalf(ref Unsafe.Add(ref start, _data.Length - 32)) << (_data.Length - 32))) >> at;
        }
        ulong found = 0;
        for (int from = at; from < _data.Length;)
        {
            int end = _data[from..].IndexOf((byte)'\n');
            if (end < 0)
            {
                break;
            }
            found |= 1UL << (from + end - at);
            from += end + 1;
        }
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SearchBlock(ref byte start)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            return Vector512.Equals(Vector512.LoadUnsafe(ref start), Vector512.Create((byte)'\n')).ExtractMostSignificantBits();
        }
        if (Vector256.IsHardwareAccelerated)
        {
            return SearchHalf(ref start) | (SearchHalf(ref Unsafe.Add(ref start, 32)) << 32);
        }
        Vector128<byte> narrow = Vector128.Create((byte)'\n');
        ulong found = 0;
        for (nuint i = 0; i < Block; i += 16)
        {
            found |= (ulong)Vector128.Equals(Vector128.LoadUnsafe(ref start, i), narrow).ExtractMostSignificantBits() << (int)i;
        }
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SearchHalf(ref byte start) =>
        Vector256.Equals(Vector256.LoadUnsafe(ref start), Vector256.Create((byte)'\n')).ExtractMostSignificantBits();
}
