using System.Buffers;

namespace KubeBpfBox.Core.Export;

/// <summary>The bytes of one batch while it is built and until it is sent; used again afterwards.</summary>
/// <remarks>Threads: one at a time.</remarks>
internal sealed class BatchBuffer(int capacity, BatchBufferPool pool) : IBufferWriter<byte>
{
    private byte[] _bytes = GC.AllocateUninitializedArray<byte>(capacity);

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>Part of what was written.</summary>
    public ReadOnlyMemory<byte> Slice(int start, int length) => _bytes.AsMemory(start, length);

    /// <summary>Forgets what was written behind a place.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Gives it back.</summary>
    public void Return()
    {
        Length = 0;
        // One that had to grow for an unusual item is not kept.
        if (_bytes.Length == capacity)
        {
            pool.Return(this);
        }
    }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_bytes.Length - Length), nameof(count));
        Length += count;
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(Length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(Length);
    }

    private void Reserve(int sizeHint)
    {
        int needed = checked(Length + Math.Max(sizeHint, 1));
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Math.Max(needed, 2L * _bytes.Length), Array.MaxLength));
        }
    }
}

/// <summary>Buffers of one builder that wait to be used again.</summary>
/// <remarks>Threads: any.</remarks>
internal sealed class BatchBufferPool(int capacity)
{
    // One is sent while the next is built; another may wait between.
    private const int MaxKept = 2;

    private readonly Stack<BatchBuffer> _free = new(MaxKept);

    public BatchBuffer Rent()
    {
        lock (_free)
        {
            return _free.TryPop(out BatchBuffer? buffer) ? buffer : new BatchBuffer(capacity, this);
        }
    }

    public void Return(BatchBuffer buffer)
    {
        lock (_free)
        {
            if (_free.Count < MaxKept)
            {
                _free.Push(buffer);
            }
        }
    }
}
