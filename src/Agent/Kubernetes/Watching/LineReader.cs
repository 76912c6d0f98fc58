using System.Buffers;

namespace KubeBpfBox.Agent.Kubernetes.Watching;

/// <summary>What <see cref="LineReader.ReadAsync"/> came to.</summary>
internal enum LineStatus
{
    /// <summary>A whole line: <see cref="LineReader.Line"/>.</summary>
    Line,

    /// <summary>A line that was longer than allowed; passed over.</summary>
    TooLong,

    /// <summary>The stream has ended. What came after the last line end is dropped.</summary>
    End,
}

/// <summary>Lines of a stream of bytes.</summary>
/// <remarks>
/// Shape: any bytes but LF, then LF. Lifetime: <see cref="Line"/> is valid until the next read.
/// Memory: one buffer that grows to the longest line allowed and shrinks again.
/// </remarks>
internal sealed class LineReader(Stream stream, int maxLineBytes) : IDisposable
{
    private const int UsualBytes = 32 * 1024;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Min(UsualBytes, maxLineBytes));
    private int _start;
    private int _searched;
    private int _end;
    private bool _isSkipping;

    /// <summary>The line that was read, without its end.</summary>
    public ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>Reads up to the next line end.</summary>
    public async ValueTask<LineStatus> ReadAsync(CancellationToken cancellation)
    {
        Line = default;
        while (true)
        {
            if (TryTake(out LineStatus status))
            {
                return status;
            }
            MakeRoom();
            int count = await stream.ReadAsync(_buffer.AsMemory(_end), cancellation).ConfigureAwait(false);
            if (count == 0)
            {
                return LineStatus.End;
            }
            _end += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        Line = default;
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private bool TryTake(out LineStatus status)
    {
        int length = _buffer.AsSpan(_searched, _end - _searched).IndexOf((byte)'\n');
        if (length < 0)
        {
            _searched = _end;
            status = default;
            return false;
        }
        int lineEnd = _searched + length;
        bool isTooLong = _isSkipping || lineEnd - _start > maxLineBytes;
        Line = isTooLong ? default : _buffer.AsMemory(_start, lineEnd - _start);
        _isSkipping = false;
        _start = _searched = lineEnd + 1;
        status = isTooLong ? LineStatus.TooLong : LineStatus.Line;
        return true;
    }

    /// <summary>Makes place behind the unfinished line, or drops it when it is too long already.</summary>
    private void MakeRoom()
    {
        int pending = _end - _start;
        if (_isSkipping || pending > maxLineBytes)
        {
            _isSkipping = true;
            _start = _end;
            pending = 0;
        }
        if (pending == 0 && _buffer.Length > UsualBytes * 2)
        {
            Resize(UsualBytes, 0);
        }
        else if (_end == _buffer.Length && pending > _buffer.Length / 2)
        {
            Resize(Math.Min(_buffer.Length * 2, maxLineBytes + UsualBytes), pending);
        }
        else if (_start > 0)
        {
            _buffer.AsSpan(_start, pending).CopyTo(_buffer);
        }
        _start = 0;
        _searched = _end = pending;
    }

    private void Resize(int size, int pending)
    {
        byte[] resized = ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(_start, pending).CopyTo(resized);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = resized;
    }
}
