using System.Text;
using KubeBpfBox.Agent.Identity;

namespace KubeBpfBox.Unit.Identity;

public sealed class TcpSocketTests
{
    [Theory]
    [InlineData("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1081 1 000000006d791153 100 0 0 10 0", "127.0.0.1:8080", "0.0.0.0:0", true, 1081)]
    [InlineData("  12: 0100007F:C0DE 0100007F:1F90 01 00000000:00000000 02:000A1234 00000000  1000        0 77 2 0 20 4 30 10 -1", "127.0.0.1:49374", "127.0.0.1:8080", false, 77)]
    [InlineData("   1: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0", "[2001:db8::1]:80", "[::]:0", true, 5)]
    [InlineData("   1: 0000000000000000FFFF00000100000A:0050 0000000000000000FFFF00000200000A:C0DE 01 00000000:00000000 00:00000000 00000000     0        0 6 1 0 100", "10.0.0.1:80", "10.0.0.2:49374", false, 6)]
    [InlineData("   3: 0100007F:1F90 0100007F:C0DE 06 00000000:00000000 03:00000A1B 00000000     0        0 0 3 0", "127.0.0.1:8080", "127.0.0.1:49374", false, 0)]
    [InlineData("0: 0100007F:0001 00000000:0000 0A 0:0 0:0 0 0 0 18446744073709551615", "127.0.0.1:1", "0.0.0.0:0", true, ulong.MaxValue)]
    public void Line_of_proc(string line, string local, string remote, bool isListener, ulong inode)
    {
        Assert.True(TcpSocket.TryParse(Encoding.ASCII.GetBytes(line), out TcpSocket socket));
        Assert.Equal((local, remote, isListener, inode), (socket.Local.ToString(), socket.Remote.ToString(), socket.IsListener, socket.Inode));
    }

    [Fact]
    public void No_prefix_of_a_line_is_one_until_the_inode_begins()
    {
        string line = FakeProc.Line("127.0.0.1:80", "127.0.0.1:999", false, 4711);
        int inode = line.IndexOf(" 4711", StringComparison.Ordinal) + 1;
        for (int length = 0; length <= inode; length++)
        {
            Assert.False(TcpSocket.TryParse(Encoding.ASCII.GetBytes(line[..length]), out _), line[..length]);
        }
    }

    [Theory]
    [InlineData(FakeProc.Heading)]
    [InlineData("   0: 0100007F:1F90 00000000:0000 0A 0 0 0 0 0 -1")]
    [InlineData("   0: 0100007G:1F90 00000000:0000 0A 0 0 0 0 0 1")]
    [InlineData("   0: 0100007F.1F90 00000000:0000 0A 0 0 0 0 0 1")]
    [InlineData("   0: 0100007F:1F90 00000000:0000 XX 0 0 0 0 0 1")]
    [InlineData("   0: 0100007F:1F90 00000000:0000 0A 0 0 0 0 0 99999999999999999999")]
    public void Not_a_line(string line) => Assert.False(TcpSocket.TryParse(Encoding.ASCII.GetBytes(line), out _));
}
