using System.Buffers.Binary;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Walks the fields of one message. Total: stops at the first malformed field.</summary>
/// <remarks>Lifetime: <see cref="Bytes"/> and <see cref="Raw"/> alias the message. Source: protobuf.dev, "Encoding"; groups are malformed here, OTLP has none.</remarks>
internal ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>True when the current field is a string, bytes, a message or packed.</summary>
    public bool HasBytes { get; private set; }

    /// <summary>Value of such a field.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Value of any other.</summary>
    public ulong Number { get; private set; }

    /// <summary>The whole field, tag included.</summary>
    public ReadOnlySpan<byte> Raw { get; private set; }

    /// <summary>Goes to the next field; false at the end.</summary>
    public bool TryRead()
    {
        ReadOnlySpan<byte> start = _rest;
        if (!TryVarint(out ulong tag) || tag >> 3 is 0 or > int.MaxValue)
        {
            return false;
        }
        Field = (int)(tag >> 3);
        HasBytes = (tag & 7) == 2;
        Bytes = default;
        Number = 0;
        if (!TryValue((int)(tag & 7)))
        {
            return false;
        }
        Raw = start[..^_rest.Length];
        return true;
    }

    private bool TryValue(int type)
    {
        ulong number;
        switch (type)
        {
            case 0 when TryVarint(out number):
                Number = number;
                return true;
            case 1 when BinaryPrimitives.TryReadUInt64LittleEndian(_rest, out number):
                Number = number;
                _rest = _rest[8..];
                return true;
            case 2 when TryVarint(out number) && number <= (ulong)_rest.Length:
                Bytes = _rest[..(int)number];
                _rest = _rest[(int)number..];
                return true;
            case 5 when BinaryPrimitives.TryReadUInt32LittleEndian(_rest, out uint small):
                Number = small;
                _rest = _rest[4..];
                return true;
            default:
                return false;
        }
    }

    private bool TryVarint(out ulong value)
    {
        value = 0;
        for (int i = 0; i < _rest.Length && i < 10; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return true;
            }
        }
        return false;
    }
}
