using System.Buffers.Binary;
using System.Net;
using System.Text;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Kernel.Traffic;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Interface;

/// <summary>Frames made byte by byte: tags, devices without a link header, IPv6 extension headers, fragments, nonsense.</summary>
public sealed class FrameTests
{
    private const ushort IPv4 = 0x0800;
    private const ushort IPv6 = 0x86DD;
    private static readonly IPAddress s_client4 = IPAddress.Parse("10.9.0.2"), s_server4 = IPAddress.Parse("10.9.0.3");
    private static readonly IPAddress s_client6 = IPAddress.Parse("fd09::2"), s_server6 = IPAddress.Parse("fd09::3");

    [Theory]
    [InlineData(true)]
    [InlineData(true, (ushort)0x8100)]
    [InlineData(true, (ushort)0x88A8)]
    [InlineData(true, (ushort)0x88A8, (ushort)0x8100)]
    [InlineData(true, (ushort)0x8100, (ushort)0x8100)]
    [InlineData(false)]
    public void Tags_and_missing_link_headers_are_no_obstacle(bool withEthernet, params ushort[] tags)
    {
        using NetworkNamespace network = new();
        using TunDevice device = new(network, withEthernet);
        using InterfaceFixture fixture = new(network, TunDevice.Name);
        foreach (bool ipv6 in new[] { false, true })
        {
            foreach (byte[] packet in Conversation(ipv6))
            {
                device.Write(withEthernet ? Frame(ipv6 ? IPv6 : IPv4, packet, tags) : packet);
            }
        }
        fixture.Until(() => fixture.Recorder.Connections.Count == 2 && fixture.Recorder.Connections.All(static seen => seen.Closed is not null), "two conversations");
        Assert.All(fixture.Recorder.Connections, static seen =>
        {
            Assert.Equal("!question", Encoding.ASCII.GetString(seen.Bytes(Side.A)));
            Assert.Equal("!answer", Encoding.ASCII.GetString(seen.Bytes(Side.B)));
            Assert.True(seen.FromStart);
        });
        fixture.StopAndAssertLedger();
    }

    [Fact]
    public void Extension_headers_and_fragments_are_followed()
    {
        using NetworkNamespace network = new();
        using TunDevice device = new(network, withEthernet: true);
        using InterfaceFixture fixture = new(network, TunDevice.Name);
        byte[] segment = Segment(1000, 80, 1, 1, 0x18, "!in two fragments, and more");
        // Hop-by-hop options (8 bytes) and destination options (16 bytes) before TCP; then an IPv4 datagram in two fragments.
        device.Write(Frame(IPv6, Ip6(s_client6, s_server6, 0, [60, 0, 1, 4, 0, 0, 0, 0, 6, 1, 1, 12, .. new byte[12], .. Segment(1000, 80, 1, 1, 0x18, "!behind headers")])));
        device.Write(Frame(IPv4, Ip4(s_client4, s_server4, segment[..24], fragment: 0x2000)));
        device.Write(Frame(IPv4, Ip4(s_client4, s_server4, segment[24..], fragment: 24 / 8)));
        fixture.Until(() => fixture.Recorder.Connections.Count == 2, "two segments");
        Assert.Equal(["!behind headers", "!in two fragments, and more"], fixture.Read(() => fixture.Recorder.Connections.Select(static seen => Encoding.ASCII.GetString(seen.Bytes(Side.A))).ToArray()));
        fixture.StopAndAssertLedger();
        Assert.Equal(1, fixture.Dropped("interface", "fragment"));
    }

    [Fact]
    public void Nonsense_is_counted_and_harmless()
    {
        using NetworkNamespace network = new();
        using TunDevice device = new(network, withEthernet: true);
        using InterfaceFixture fixture = new(network, TunDevice.Name);
        Random random = new(7);
        byte[][] whole = [.. Conversation(false).Select(static packet => Frame(IPv4, packet)), .. Conversation(true).Select(static packet => Frame(IPv6, packet, 0x8100))];
        for (int i = 0; i < 20_000; i++)
        {
            // A frame of ours cut somewhere, some of its bytes behind the addresses and types replaced.
            byte[] frame = whole[random.Next(whole.Length)][..];
            for (int flips = random.Next(4); flips > 0; flips--)
            {
                frame[random.Next(14, frame.Length)] = (byte)random.Next(256);
            }
            device.Write(frame.AsSpan(0, random.Next(14, frame.Length + 1)));
        }
        foreach (byte[] packet in Conversation(ipv6: false, port: 2000))
        {
            device.Write(Frame(IPv4, packet));
        }
        fixture.Until(() => fixture.Recorder.Connections.Any(static seen => seen.Local.Port == 2000 && seen.Closed is not null), "a good conversation after all");
        fixture.StopAndAssertLedger();
        Assert.True(fixture.Dropped("interface_kernel", "not_parsed") > 100, fixture.Describe());
    }

    private static IEnumerable<byte[]> Conversation(bool ipv6, ushort port = 1000)
    {
        byte[] Ip(bool fromClient, byte[] segment) => ipv6
            ? Ip6(fromClient ? s_client6 : s_server6, fromClient ? s_server6 : s_client6, 6, segment)
            : Ip4(fromClient ? s_client4 : s_server4, fromClient ? s_server4 : s_client4, segment);
        yield return Ip(true, Segment(port, 80, 0, 0, 0x02, ""));
        yield return Ip(false, Segment(80, port, 0, 1, 0x12, ""));
        yield return Ip(true, Segment(port, 80, 1, 1, 0x10, ""));
        yield return Ip(true, Segment(port, 80, 1, 1, 0x18, "!question"));
        yield return Ip(false, Segment(80, port, 1, 10, 0x19, "!answer"));
        yield return Ip(true, Segment(port, 80, 10, 9, 0x11, ""));
    }

    private static byte[] Frame(ushort type, byte[] packet, params ushort[] tags)
    {
        // Tag control 7, 8, …: the network is of no importance here.
        byte[] header = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, .. tags.SelectMany(static (tag, i) => new byte[] { (byte)(tag >> 8), (byte)tag, 0, (byte)(7 + i) }), (byte)(type >> 8), (byte)type];
        return [.. header, .. packet];
    }

    private static byte[] Ip4(IPAddress source, IPAddress destination, byte[] payload, int fragment = 0)
    {
        int total = 20 + payload.Length;
        return [0x45, 0, (byte)(total >> 8), (byte)total, 0, 9, (byte)(fragment >> 8), (byte)fragment, 64, 6, 0, 0, .. source.GetAddressBytes(), .. destination.GetAddressBytes(), .. payload];
    }

    private static byte[] Ip6(IPAddress source, IPAddress destination, byte next, byte[] payload) =>
        [0x60, 0, 0, 0, (byte)(payload.Length >> 8), (byte)payload.Length, next, 64, .. source.GetAddressBytes(), .. destination.GetAddressBytes(), .. payload];

    private static byte[] Segment(ushort source, ushort destination, uint sequence, uint acknowledgment, byte flags, string payload)
    {
        byte[] header = new byte[20];
        BinaryPrimitives.WriteUInt16BigEndian(header, source);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), destination);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(8), acknowledgment);
        header[12] = 5 << 4;
        header[13] = flags;
        return [.. header, .. Encoding.ASCII.GetBytes(payload)];
    }
}
