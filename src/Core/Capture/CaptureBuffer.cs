namespace KubeBpfBox.Core.Capture;

/// <summary>A window over a stream that slides forward and lends spans of itself.</summary>
/// <remarks>
/// Reads instead of mapping: a mapped file that another program shortens kills the reader with SIGBUS, and reads serve pipes and
/// compressed files too. Errors: none while reading; a failed read ends the data and is told by <see cref="ReadError"/>. Lifetime: a
/// span ends with the next peek or skip.
/// </remarks>
internal sealed class CaptureBuffer(Stream stream) : IDisposable
{
    // Large enough that system calls vanish, small enough to stay in the cache and out of the large object heap.
    private const int InitialSize = 64 * 1024;

    private byte[] _bytes = new byte[InitialSize];
    private int _start;
    private int _end;
    private bool _ended;

    /// <summary>Position in the data of the next byte to be peeked.</summary>
    public long Offset { get; private set; }

    /// <summary>How many bytes are buffered and not consumed.</summary>
    public int Available => _end - _start;

    /// <summary>Why the data ended early: damaged compression, a failing disk; null when it simply ended.</summary>
    public string? ReadError { get; private set; }

    /// <summary>The next <paramref name="count"/> bytes without consuming them; false when the data ends before.</summary>
    public bool TryPeek(int count, out ReadOnlySpan<byte> bytes)
    {
        if (_end - _start < count && !TryFill(count))
        {
            bytes = default;
            return false;
        }
        bytes = _bytes.AsSpan(_start, count);
        return true;
    }

    /// <summary>Whatever is there, up to <paramref name="count"/> bytes.</summary>
    public ReadOnlySpan<byte> PeekUpTo(int count)
    {
        _ = TryPeek(count, out _);
        return _bytes.AsSpan(_start, Math.Min(count, Available));
    }

    /// <summary>Consumes bytes that were peeked.</summary>
    public void Advance(int count)
    {
        _start += count;
        Offset += count;
    }

    /// <summary>Consumes bytes unseen; false when the data ends before.</summary>
    public bool TrySkip(long count)
    {
        while (count > Available)
        {
            count -= Available;
            Advance(Available);
            if (!TryFill(1))
            {
                return false;
            }
        }
        Advance((int)count);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private bool TryFill(int count)
    {
        if (_start > 0)
        {
            _bytes.AsSpan(_start, Available).CopyTo(_bytes);
            _end -= _start;
            _start = 0;
        }
        while (_end < count && !_ended)
        {
            // Grows only when full of real bytes: a length field alone must not make us allocate.
            if (_end == _bytes.Length)
            {
                Array.Resize(ref _bytes, _bytes.Length * 2);
            }
            int read = ReadSome();
            _end += read;
            _ended = read == 0;
        }
        return _end >= count;
    }

    private int ReadSome()
    {
        try
        {
            return stream.Read(_bytes.AsSpan(_end));
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            ReadError = e.Message;
            return 0;
        }
    }
}
