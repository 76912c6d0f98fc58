using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace KubeBpfBox.Core.Streams;

/// <summary>Byte arrays under one byte budget: what all streams together may hold.</summary>
/// <remarks>
/// Shape: size classes of 512 bytes to 64 KiB, powers of two. Units: bytes; a buffer counts with its whole length, not with what was asked for.
/// Errors: <see cref="TryRent"/> answers false when the budget or the largest class would be passed; handing back an array that cannot be
/// ours is a fault of the caller and throws. Lifetime: a buffer belongs to the renter until <see cref="Return"/>; contents are not cleared.
/// Not thread-safe: one thread owns the pool. The shared array pool of the runtime is not used because it has no budget.
/// </remarks>
public sealed class BufferPool
{
    /// <summary>Length of the smallest buffers.</summary>
    public const int MinBufferBytes = 512;

    /// <summary>Length of the largest buffers.</summary>
    public const int MaxBufferBytes = 64 * 1024;

    /// <summary>Most that is kept for reuse, all classes together; it comes on top of <see cref="MaxBytes"/>.</summary>
    public const int MaxFreeBytes = ClassCount * MaxFreeBytesPerClass;

    private const int ClassCount = 8;
    private const int MaxFreeBytesPerClass = 128 * 1024;
    private static readonly int MinShift = BitOperations.Log2(MinBufferBytes);

    private readonly byte[]?[][] _free = new byte[]?[ClassCount][];
    private readonly int[] _freeCount = new int[ClassCount];

    /// <summary>Makes an empty pool.</summary>
    /// <param name="maxBytes">Most that may be rented at a time.</param>
    public BufferPool(long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        MaxBytes = maxBytes;
        for (int sizeClass = 0; sizeClass < ClassCount; sizeClass++)
        {
            _free[sizeClass] = new byte[]?[MaxFreeBytesPerClass / BytesOf(sizeClass)];
        }
    }

    /// <summary>The budget for rented buffers.</summary>
    public long MaxBytes { get; }

    /// <summary>Whole length of the buffers that are rented now.</summary>
    public long BytesRented { get; private set; }

    /// <summary>Whole length of the buffers kept for reuse now.</summary>
    public long BytesFree { get; private set; }

    /// <summary>How often <see cref="TryRent"/> answered false.</summary>
    public long Refusals { get; private set; }

    /// <summary>The length that a request for <paramref name="size"/> bytes gets; 0 when no class is that large.</summary>
    public static int BufferBytesFor(int size) => (uint)size > MaxBufferBytes ? 0 : BytesOf(ClassOf(size));

    /// <summary>Rents a buffer of at least <paramref name="size"/> bytes.</summary>
    /// <returns>False when <see cref="BytesRented"/> would pass <see cref="MaxBytes"/>, or no class is that large.</returns>
    public bool TryRent(int size, [NotNullWhen(true)] out byte[]? buffer)
    {
        buffer = null;
        int bytes = BufferBytesFor(size);
        if (bytes == 0 || bytes > MaxBytes - BytesRented)
        {
            Refusals++;
            return false;
        }
        int sizeClass = ClassOf(size);
        ref int freeCount = ref _freeCount[sizeClass];
        if (freeCount > 0)
        {
            ref byte[]? slot = ref _free[sizeClass][--freeCount];
            buffer = slot!;
            slot = null;
            BytesFree -= bytes;
        }
        else
        {
            buffer = GC.AllocateUninitializedArray<byte>(bytes);
        }
        BytesRented += bytes;
        return true;
    }

    /// <summary>Takes a buffer back: kept for reuse while its class has room, else left to the garbage collector.</summary>
    public void Return(byte[] buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        int bytes = buffer.Length;
        if (!BitOperations.IsPow2(bytes) || bytes is < MinBufferBytes or > MaxBufferBytes || bytes > BytesRented)
        {
            throw new ArgumentException($"A buffer of {bytes} bytes was not rented here.", nameof(buffer));
        }
        int sizeClass = ClassOf(bytes);
        byte[]?[] free = _free[sizeClass];
        ref int freeCount = ref _freeCount[sizeClass];
        Debug.Assert(Array.IndexOf(free, buffer, 0, freeCount) < 0, "returned twice");
        BytesRented -= bytes;
        if (freeCount < free.Length)
        {
            free[freeCount++] = buffer;
            BytesFree += bytes;
        }
    }

    private static int BytesOf(int sizeClass) => MinBufferBytes << sizeClass;

    private static int ClassOf(int size) => size <= MinBufferBytes ? 0 : BitOperations.Log2((uint)size - 1) + 1 - MinShift;
}
