using System.Buffers.Binary;
using System.Text;

namespace KubeBpfBox.Unit.Otlp;

/// <summary>A message of Protocol Buffers taken apart, slowly and without the code under test.</summary>
/// <remarks>Throws on anything malformed or written longer than needed.</remarks>
internal sealed class ProtoTree
{
    private readonly List<(int Field, int Type, ulong Number, byte[] Bytes)> _fields = [];

    public ProtoTree(ReadOnlySpan<byte> message)
    {
        int at = 0;
        while (at < message.Length)
        {
            ulong tag = Varint(message, ref at);
            (int field, int type) = ((int)(tag >> 3), (int)(tag & 7));
            switch (type)
            {
                case 0:
                    _fields.Add((field, type, Varint(message, ref at), []));
                    break;
                case 1:
                    _fields.Add((field, type, BinaryPrimitives.ReadUInt64LittleEndian(message[at..]), []));
                    at += 8;
                    break;
                case 2:
                    int length = (int)Varint(message, ref at);
                    _fields.Add((field, type, 0, message.Slice(at, length).ToArray()));
                    at += length;
                    break;
                case 5:
                    _fields.Add((field, type, BinaryPrimitives.ReadUInt32LittleEndian(message[at..]), []));
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"wire type {type}");
            }
        }
    }

    public IReadOnlyList<int> Fields => [.. _fields.Select(static one => one.Field)];

    public ulong Number(int field) => _fields.Single(one => one.Field == field && one.Type != 2).Number;

    public double Double(int field) => BitConverter.UInt64BitsToDouble(_fields.Single(one => one.Field == field && one.Type == 1).Number);

    public byte[] Bytes(int field) => _fields.Single(one => one.Field == field && one.Type == 2).Bytes;

    public string Text(int field) => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Bytes(field));

    public bool Has(int field) => _fields.Any(one => one.Field == field);

    public ulong[] Packed(int field)
    {
        byte[] bytes = Bytes(field);
        return [.. Enumerable.Range(0, bytes.Length / 8).Select(i => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(i * 8)))];
    }

    /// <summary>All messages at the end of a path of field numbers.</summary>
    public IEnumerable<ProtoTree> All(params int[] path)
    {
        IEnumerable<ProtoTree> here = _fields.Where(one => one.Field == path[0] && one.Type == 2).Select(static one => new ProtoTree(one.Bytes));
        return path.Length == 1 ? here : here.SelectMany(one => one.All(path[1..]));
    }

    public ProtoTree One(params int[] path) => All(path).Single();

    /// <summary>Attributes by key: text, number, truth value or list of texts.</summary>
    public Dictionary<string, object> Attributes(int field) => All(field).ToDictionary(static pair => pair.Text(1), static pair => ValueOf(pair.One(2)));

    private static object ValueOf(ProtoTree value) => Assert.Single(value.Fields) switch
    {
        1 => value.Text(1),
        2 => value.Number(2) != 0,
        3 => (long)value.Number(3),
        5 => value.One(5).All(1).Select(ValueOf).Cast<string>().ToArray(),
        _ => throw new InvalidDataException("value of a kind that is not used here"),
    };

    private static ulong Varint(ReadOnlySpan<byte> message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return next != 0 || shift == 0 ? value : throw new InvalidDataException("a varint is longer than needed");
            }
        }
    }
}
