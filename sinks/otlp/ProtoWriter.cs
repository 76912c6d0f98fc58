using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Unicode;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Writes Protocol Buffers into a buffer of its own, which is kept for the next message.</summary>
/// <remarks>
/// Shape: a message is a sequence of fields, each a tag (<c>field &lt;&lt; 3 | wire type</c>) and a value; all lengths and varints are minimal, so the bytes are
/// those that the official generators write. A nested message is what stands between <see cref="Open"/> and <see cref="Close"/>: one byte is left for its
/// length, and a message of 128 bytes or more is moved by what its length needs beyond that. Errors: none. Lifetime: <see cref="Written"/> aliases the
/// buffer until the next call. Allocates only to grow. Source: protobuf.dev, "Encoding".
/// </remarks>
internal sealed class ProtoWriter
{
    private const int VarintType = 0;
    private const int Fixed64Type = 1;
    private const int LengthType = 2;
    private const int Fixed32Type = 5;
    private const int MaxVarintBytes = 10;

    /// <summary>A tag of a field number of up to four digits, and a number.</summary>
    private const int MaxScalarBytes = 2 + MaxVarintBytes;

    private byte[] _buffer = new byte[4096];
    private int _length;

    /// <summary>What was written since <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>How many bytes that is.</summary>
    public int Length => _length;

    /// <summary>Begins anew in the same buffer.</summary>
    public void Clear() => _length = 0;

    /// <summary>int32, int64, uint32, uint64, bool, enum.</summary>
    public void Varint(int field, ulong value)
    {
        Reserve(MaxScalarBytes);
        Tag(field, VarintType);
        AppendVarint(value);
    }

    /// <summary>fixed64, sfixed64.</summary>
    public void Fixed64(int field, ulong value)
    {
        Reserve(MaxScalarBytes);
        Tag(field, Fixed64Type);
        AppendFixed64(value);
    }

    /// <summary>double.</summary>
    public void Double(int field, double value) => Fixed64(field, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>fixed32.</summary>
    public void Fixed32(int field, uint value)
    {
        Reserve(MaxScalarBytes);
        Tag(field, Fixed32Type);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(_length), value);
        _length += 4;
    }

    /// <summary>An element of a packed repeated fixed64, between <see cref="Open"/> and <see cref="Close"/>.</summary>
    public void PackedFixed64(ulong value)
    {
        Reserve(8);
        AppendFixed64(value);
    }

    /// <summary>bytes; also a string that is known to be UTF-8, or a message that is written already.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Reserve(MaxScalarBytes);
        Tag(field, LengthType);
        AppendVarint((uint)value.Length);
        Append(value);
    }

    /// <summary>string, of bytes of the wire: see <see cref="AppendWire"/>.</summary>
    public void WireText(int field, ReadOnlySpan<byte> value)
    {
        int message = Open(field);
        AppendWire(value);
        Close(message);
    }

    /// <summary>string; half a surrogate pair becomes U+FFFD.</summary>
    public void Text(int field, ReadOnlySpan<char> value)
    {
        int message = Open(field);
        Append(value);
        Close(message);
    }

    /// <summary>Text of ours, or bytes that are UTF-8, into a string that <see cref="Open"/> began.</summary>
    public void Append(ReadOnlySpan<byte> utf8)
    {
        Reserve(utf8.Length);
        utf8.CopyTo(_buffer.AsSpan(_length));
        _length += utf8.Length;
    }

    /// <summary>The same of bytes of the wire: what is not UTF-8 becomes U+FFFD, since a receiver may refuse a whole request for it.</summary>
    public void AppendWire(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            Append(bytes);
            return;
        }
        while (!bytes.IsEmpty)
        {
            Rune.DecodeFromUtf8(bytes, out Rune rune, out int consumed);
            Reserve(4);
            _length += rune.EncodeToUtf8(_buffer.AsSpan(_length));
            bytes = bytes[consumed..];
        }
    }

    /// <inheritdoc cref="Append(ReadOnlySpan{byte})"/>
    public void Append(ReadOnlySpan<char> text)
    {
        Reserve(Encoding.UTF8.GetMaxByteCount(text.Length));
        _length += Encoding.UTF8.GetBytes(text, _buffer.AsSpan(_length));
    }

    /// <summary>Begins a nested message or a packed field.</summary>
    /// <returns>What <see cref="Close"/> asks for. Messages are closed in the reverse order.</returns>
    public int Open(int field)
    {
        Reserve(MaxScalarBytes);
        Tag(field, LengthType);
        return ++_length;
    }

    /// <summary>Ends a nested message.</summary>
    public void Close(int message)
    {
        int bytes = _length - message;
        int lengthBytes = VarintBytes((uint)bytes);
        if (lengthBytes > 1)
        {
            Reserve(lengthBytes);
            _buffer.AsSpan(message, bytes).CopyTo(_buffer.AsSpan(message + lengthBytes - 1));
        }
        _length = message - 1;
        AppendVarint((uint)bytes);
        _length += bytes;
    }

    private static int VarintBytes(uint value) => (BitOperations.Log2(value | 1) / 7) + 1;

    private void Tag(int field, int type) => AppendVarint((uint)((field << 3) | type));

    private void AppendVarint(ulong value)
    {
        while (value > 0x7F)
        {
            _buffer[_length++] = (byte)(value | 0x80);
            value >>= 7;
        }
        _buffer[_length++] = (byte)value;
    }

    private void AppendFixed64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer.AsSpan(_length), value);
        _length += 8;
    }

    private void Reserve(int bytes)
    {
        if (_buffer.Length - _length < bytes)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + bytes));
        }
    }
}
