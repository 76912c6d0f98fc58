using System.Buffers.Text;
using System.Text;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Builds a path such as /proc/1234/ns/net in a caller's buffer, without a string.</summary>
/// <remarks>Errors: what does not fit makes <see cref="Terminated"/> an empty path, which no call can open.</remarks>
internal ref struct PathBuffer(Span<byte> buffer)
{
    /// <summary>Enough for any path under /proc whose root is not absurdly deep.</summary>
    public const int Length = 512;

    private readonly Span<byte> _buffer = buffer;
    private int _length;
    private bool _overflow;

    /// <summary>The path and a NUL. Lifetime: aliases the caller's buffer.</summary>
    public readonly ReadOnlySpan<byte> Terminated
    {
        get
        {
            if (_overflow || _length >= _buffer.Length)
            {
                return "\0"u8;
            }
            _buffer[_length] = 0;
            return _buffer[..(_length + 1)];
        }
    }

    public void Append(scoped ReadOnlySpan<byte> text)
    {
        if (text.TryCopyTo(_buffer[_length..]))
        {
            _length += text.Length;
        }
        else
        {
            _overflow = true;
        }
    }

    public void Append(int number)
    {
        _overflow |= !Utf8Formatter.TryFormat(number, _buffer[_length..], out int written);
        _length += written;
    }

    /// <summary>"root/pid/rest" with its NUL.</summary>
    public static ReadOnlySpan<byte> OfProcess(Span<byte> buffer, byte[] root, int processId, ReadOnlySpan<byte> rest)
    {
        PathBuffer path = new(buffer);
        path.Append(root);
        path.Append("/"u8);
        path.Append(processId);
        path.Append(rest);
        return path.Terminated;
    }

    /// <summary>A folder's name as the prefix of paths: no slash at its end.</summary>
    public static byte[] Root(string folder) => Encoding.UTF8.GetBytes(folder.TrimEnd('/'));
}
