using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Unit.Records;

public sealed class EndpointTests
{
    [Theory]
    [InlineData(new byte[] { 10, 0, 0, 1 }, 80, "10.0.0.1:80")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1 }, 80, "10.0.0.1:80")]
    [InlineData(new byte[] { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 65535, "[2001:db8::1]:65535")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 0, "[::1]:0")]
    public void Text_form(byte[] address, ushort port, string expected)
    {
        Endpoint endpoint = Endpoint.From(address, port);
        Assert.Equal(expected, endpoint.ToString());
        for (int length = 0; length < expected.Length; length++)
        {
            Assert.False(endpoint.TryFormat(new char[length], out int written));
            Assert.Equal(0, written);
        }
    }
}
