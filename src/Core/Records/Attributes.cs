using System.Buffers.Binary;

namespace KubeBpfBox.Core.Records;

/// <summary>How an attribute's bytes are to be read.</summary>
public enum AttributeKind : byte
{
    /// <summary>UTF-8, or whatever bytes were on the wire.</summary>
    Text,

    /// <summary>A signed 64-bit number, little-endian.</summary>
    Number,

    /// <summary>One byte: 0 or 1.</summary>
    Boolean,

    /// <summary>A list of signed 64-bit numbers, little-endian.</summary>
    Numbers,
}

/// <summary>Packs protocol-specific fields of a transaction into a caller's buffer.</summary>
/// <remarks>
/// Shape of one attribute: key length (1 byte), kind (1 byte), value length (2 bytes, little-endian), key, value. What does not fit is left
/// out whole. Lifetime: <see cref="Written"/> aliases the caller's buffer.
/// </remarks>
public ref struct AttributeWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private int _length;

    /// <summary>What was written so far.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    /// <summary>Adds text.</summary>
    public bool TryAdd(scoped ReadOnlySpan<byte> key, scoped ReadOnlySpan<byte> text) => TryReserve(key, AttributeKind.Text, text.Length, out Span<byte> value) && text.TryCopyTo(value);

    /// <summary>Adds a truth value.</summary>
    public bool TryAdd(scoped ReadOnlySpan<byte> key, bool flag)
    {
        if (!TryReserve(key, AttributeKind.Boolean, 1, out Span<byte> value))
        {
            return false;
        }
        value[0] = flag ? (byte)1 : (byte)0;
        return true;
    }

    /// <summary>Adds a number.</summary>
    public bool TryAdd(scoped ReadOnlySpan<byte> key, long number) => TryReserve(key, AttributeKind.Number, 8, out Span<byte> value) && BinaryPrimitives.TryWriteInt64LittleEndian(value, number);

    /// <summary>Adds a list of numbers.</summary>
    public bool TryAdd(scoped ReadOnlySpan<byte> key, scoped ReadOnlySpan<long> numbers)
    {
        if (!TryReserve(key, AttributeKind.Numbers, numbers.Length * 8, out Span<byte> value))
        {
            return false;
        }
        for (int i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(value[(i * 8)..], numbers[i]);
        }
        return true;
    }

    private bool TryReserve(scoped ReadOnlySpan<byte> key, AttributeKind kind, int valueLength, out Span<byte> value)
    {
        value = default;
        int total = 4 + key.Length + valueLength;
        if (key.Length > byte.MaxValue || valueLength > ushort.MaxValue || total > _buffer.Length - _length)
        {
            return false;
        }
        Span<byte> at = _buffer.Slice(_length, total);
        at[0] = (byte)key.Length;
        at[1] = (byte)kind;
        BinaryPrimitives.WriteUInt16LittleEndian(at[2..], (ushort)valueLength);
        key.CopyTo(at[4..]);
        value = at[(4 + key.Length)..];
        _length += total;
        return true;
    }
}

/// <summary>Walks what <see cref="AttributeWriter"/> wrote. Total: stops at the first malformed attribute.</summary>
public ref struct AttributeReader(ReadOnlySpan<byte> attributes)
{
    private ReadOnlySpan<byte> _rest = attributes;

    /// <summary>Key of the current attribute.</summary>
    public ReadOnlySpan<byte> Key { get; private set; }

    /// <summary>Kind of the current attribute.</summary>
    public AttributeKind Kind { get; private set; }

    /// <summary>Value bytes of the current attribute.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The current attribute as a number.</summary>
    public readonly long Number => BinaryPrimitives.ReadInt64LittleEndian(Value);

    /// <summary>How many numbers the current attribute lists.</summary>
    public readonly int NumberCount => Value.Length / 8;

    /// <summary>One of the numbers the current attribute lists.</summary>
    public readonly long NumberAt(int index) => BinaryPrimitives.ReadInt64LittleEndian(Value[(index * 8)..]);

    /// <summary>Goes to the next attribute; false at the end.</summary>
    public bool TryRead()
    {
        if (_rest.Length < 4)
        {
            return false;
        }
        int keyLength = _rest[0];
        int valueLength = BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]);
        if (_rest.Length < 4 + keyLength + valueLength)
        {
            return false;
        }
        Kind = (AttributeKind)_rest[1];
        Key = _rest.Slice(4, keyLength);
        Value = _rest.Slice(4 + keyLength, valueLength);
        _rest = _rest[(4 + keyLength + valueLength)..];
        return true;
    }
}
