using System.Text;
using KubeBpfBox.Sinks.Otlp;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Otlp;

public sealed class ProtoWriterTests
{
    private readonly ProtoWriter _writer = new();

    // The examples of protobuf.dev, "Encoding": Test1 { a = 1: 150 }, Test2 { b = 2: "testing" }, Test3 { c = 3: Test1 }.
    [Fact]
    public void The_examples_of_the_documentation_come_out_as_there()
    {
        _writer.Varint(1, 150);
        Assert.Equal("089601", Convert.ToHexStringLower(_writer.Written));
        _writer.Clear();
        _writer.Text(2, "testing");
        Assert.Equal("120774657374696e67", Convert.ToHexStringLower(_writer.Written));
        _writer.Clear();
        int nested = _writer.Open(3);
        _writer.Varint(1, 150);
        _writer.Close(nested);
        Assert.Equal("1a03089601", Convert.ToHexStringLower(_writer.Written));
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(127UL)]
    [InlineData(128UL)]
    [InlineData(16_383UL)]
    [InlineData(16_384UL)]
    [InlineData(uint.MaxValue)]
    [InlineData(long.MaxValue)]
    [InlineData(ulong.MaxValue)]
    public void Numbers_of_all_kinds_are_read_back(ulong value)
    {
        _writer.Varint(1, value);
        _writer.Fixed64(2000, value);
        _writer.Fixed32(16, (uint)value);
        _writer.Double(3, value / 3.0);
        ProtoTree tree = new(_writer.Written);
        Assert.Equal((value, value, (uint)value, value / 3.0), (tree.Number(1), tree.Number(2000), (uint)tree.Number(16), tree.Double(3)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(16_383)]
    [InlineData(16_384)]
    [InlineData(100_000)]
    [InlineData(3_000_000)]
    public void A_nested_message_of_any_length_has_the_shortest_length(int length)
    {
        string text = new('x', length);
        int outer = _writer.Open(1);
        int inner = _writer.Open(2);
        _writer.Text(3, text);
        _writer.Close(inner);
        _writer.Varint(4, 5);
        _writer.Close(outer);
        _writer.Varint(6, 7);
        // The tree refuses what is longer than needed.
        ProtoTree tree = new(_writer.Written);
        Assert.Equal((text, 5UL, 7UL), (tree.One(1, 2).Text(3), tree.One(1).Number(4), tree.Number(6)));
    }

    [Fact]
    public void What_is_no_utf8_is_replaced()
    {
        _writer.WireText(1, [(byte)'a', 0xFF, 0xC3, (byte)'b', 0xE2, 0x82]);
        _writer.WireText(2, Encoding.UTF8.GetBytes("é😀"));
        _writer.Text(3, "half \ud83d pair");
        ProtoTree tree = new(_writer.Written);
        Assert.Equal(("a\ufffd\ufffdb\ufffd", "é😀", "half \ufffd pair"), (tree.Text(1), tree.Text(2), tree.Text(3)));
    }

    [Fact]
    public void Nothing_is_allocated_once_warm()
    {
        AllocationRounds rounds = new();
        while (rounds.Next())
        {
            _writer.Clear();
            Fill();
        }
        Assert.Equal(0, rounds.Least);
    }

    [Fact]
    public void The_reader_gives_back_each_field_as_it_was_and_ends_at_every_cut()
    {
        Fill();
        byte[] whole = _writer.Written.ToArray();
        List<byte> raw = [];
        ProtoReader reader = new(whole);
        while (reader.TryRead())
        {
            raw.AddRange(reader.Raw);
        }
        Assert.Equal(whole, raw);
        for (int length = 0; length < whole.Length; length++)
        {
            int fields = 0;
            ProtoReader cut = new(whole.AsSpan(0, length));
            while (cut.TryRead())
            {
                fields++;
            }
            Assert.InRange(fields, 0, 400);
        }
    }

    [Theory]
    [InlineData("00")] // field 0
    [InlineData("0b")] // a group
    [InlineData("0a05ffff")] // shorter than it says
    [InlineData("0affffffffffffffffff01")] // longer than anything
    [InlineData("08ffffffffffffffffffff01")] // a number of eleven bytes
    [InlineData("09000000")]
    [InlineData("0d00")]
    public void The_reader_ends_at_what_is_malformed(string hex)
    {
        ProtoReader reader = new(Convert.FromHexString(hex));
        Assert.False(reader.TryRead());
    }

    private void Fill()
    {
        for (int i = 0; i < 100; i++)
        {
            int nested = _writer.Open(1);
            _writer.Attribute(2, "http.request.method"u8, "GET");
            _writer.Attribute(2, "url.path"u8, "/a/path/that/is/somewhat/longer/than/others"u8);
            _writer.Attribute(2, "http.response.status_code"u8, 200);
            _writer.Fixed64(3, (ulong)i);
            _writer.Close(nested);
            _writer.Fixed32(9, 7);
        }
    }
}
