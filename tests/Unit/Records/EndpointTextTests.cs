using System.Text;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Unit.Records;

public sealed class EndpointTextTests
{
    private static string Format(Endpoint endpoint)
    {
        byte[] bytes = new byte[Endpoint.MaxTextLength];
        return Encoding.ASCII.GetString(bytes, 0, EndpointText.Format(endpoint, bytes));
    }

    [Theory]
    [InlineData(0, 0, "[::]:0")]
    [InlineData(0, 1, "[::1]:0")]
    [InlineData(0x2001_0db8_0000_0000, 0x0001_0000_0000_0001, "[2001:db8::1:0:0:1]:0")]
    [InlineData(0x2001_0db8_0000_0001, 0x0001_0001_0001_0001, "[2001:db8:0:1:1:1:1:1]:0")]
    [InlineData(0x2001_0db8_0000_0000, 0, "[2001:db8::]:0")]
    [InlineData(0, 0x0000_ffff_0102_0304, "1.2.3.4:0")]
    public void Canonical_form(ulong high, ulong low, string expected) => Assert.Equal(expected, Format(new Endpoint(high, low, 0)));

    [Fact]
    public void Equals_the_form_of_the_base_class_library()
    {
        Random random = new(5);
        ushort[] groups = [0, 0, 0, 0xFFFF, 0x5EFE, 1, 0xABC, 0x12, 0xFE80, 0x0200];
        for (int round = 0; round < 50_000; round++)
        {
            ulong Half() => Enumerable.Range(0, 4).Aggregate(0UL, (half, _) => (half << 16) | (random.Next(8) == 0 ? (ushort)random.Next(65536) : groups[random.Next(groups.Length)]));
            Endpoint endpoint = new(random.Next(3) == 0 ? 0 : Half(), Half(), (ushort)random.Next(65536));
            Assert.Equal(endpoint.ToString(), Format(endpoint));
        }
    }

    [Fact]
    public void Allocates_nothing()
    {
        byte[] bytes = new byte[Endpoint.MaxTextLength];
        Endpoint endpoint = new(0x2001_0db8_0000_0000, 5, 80);
        _ = EndpointText.Format(endpoint, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            _ = EndpointText.Format(endpoint, bytes);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
