using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Records;

public sealed class TraceContextTests
{
    private const string Valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private static readonly UInt128 s_traceId = UInt128.Parse("4bf92f3577b34da6a3ce929d0e0e4736", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [Fact]
    public void A_valid_field_gives_its_identifiers()
    {
        Assert.True(TraceContext.TryParse(Encoding.ASCII.GetBytes(Valid), out TraceContext context));
        Assert.Equal(new TraceContext(s_traceId, 0x00f067aa0ba902b7, IsSampled: true), context);
    }

    [Fact]
    public void Every_prefix_and_every_changed_digit_is_judged_alike()
    {
        byte[] valid = Encoding.ASCII.GetBytes(Valid);
        for (int length = 0; length < valid.Length; length++)
        {
            Assert.False(TraceContext.TryParse(valid.AsSpan(0, length), out _));
        }
        for (int at = 0; at < valid.Length; at++)
        {
            foreach (byte other in "gA/:`@-0 \0"u8)
            {
                byte[] changed = [.. valid];
                changed[at] = other;
                // By the grammar, without the decoder: digits where digits belong, dashes where dashes do.
                string text = Encoding.ASCII.GetString(changed);
                bool isExpected = System.Text.RegularExpressions.Regex.IsMatch(text, "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$");
                Assert.True(isExpected == TraceContext.TryParse(changed, out _), text);
            }
        }
    }

    [Fact]
    public void A_transaction_carries_it()
    {
        TraceContext context = new(s_traceId, 1, IsSampled: false);
        Span<byte> buffer = stackalloc byte[TraceContext.AttributesLength];
        AttributeWriter writer = new(buffer);
        context.AddTo(ref writer);
        Assert.Equal(TraceContext.AttributesLength, writer.Written.Length);
        Assert.True(TraceContext.TryRead(With(writer.Written), out TraceContext read));
        Assert.Equal(context, read);
        for (int length = 0; length < writer.Written.Length; length++)
        {
            bool isRead = TraceContext.TryRead(With(writer.Written[..length]), out read);
            Assert.Equal(length >= TraceContext.AttributesLength - 18, isRead);
            Assert.False(read.IsSampled);
        }
    }

    [Fact]
    public void Other_attributes_are_passed_over()
    {
        Span<byte> buffer = stackalloc byte[256];
        AttributeWriter writer = new(buffer);
        writer.TryAdd("tunnel"u8, true);
        Assert.False(TraceContext.TryRead(With(writer.Written), out _));
        new TraceContext(s_traceId, ulong.MaxValue, IsSampled: true).AddTo(ref writer);
        writer.TryAdd("upgrade"u8, "h2c"u8);
        Assert.True(TraceContext.TryRead(With(writer.Written), out TraceContext read));
        Assert.Equal(new TraceContext(s_traceId, ulong.MaxValue, IsSampled: true), read);
    }

    [Fact]
    public void It_is_packed_as_on_the_wire()
    {
        Span<byte> packed = stackalloc byte[TraceContext.Size];
        TraceContext context = new(s_traceId, 0x00f067aa0ba902b7, IsSampled: true);
        context.WriteTo(packed);
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e473600f067aa0ba902b701", Convert.ToHexStringLower(packed));
        Assert.Equal(context, TraceContext.ReadFrom(packed));
    }

    private static Transaction With(ReadOnlySpan<byte> attributes) => new()
    {
        Connection = Connection.Create(TestTransactions.Local, TestTransactions.Remote),
        Protocol = "http",
        ClientSide = Side.A,
        StartNs = 0,
        Attributes = attributes,
    };
}
