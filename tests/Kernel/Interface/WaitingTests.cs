using System.Net;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Kernel.Traffic;

namespace KubeBpfBox.Kernel.Interface;

/// <summary>Interfaces that are not there, not yet, no longer, or down.</summary>
public sealed class WaitingTests
{
    [Fact]
    public void An_interface_that_comes_goes_and_comes_back_is_followed()
    {
        using PodNetwork network = new(withBridge: false);
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        Assert.False(fixture.Plugin.Hook.Attached);
        Assert.Contains("'cni0'", fixture.Plugin.Hook.Detail, StringComparison.Ordinal);
        Assert.EndsWith("There are lo", fixture.Plugin.Hook.Detail, StringComparison.Ordinal);

        for (int round = 1; round <= 2; round++)
        {
            network.AddBridge();
            fixture.Until(() => fixture.Plugin.Hook.Attached, "capture");
            AssertSeen(fixture, network);
            network.RemoveBridge();
            fixture.Until(() => !fixture.Plugin.Hook.Attached && InterfaceFixture.PacketSockets(network.Node) == 0, "loss");
            Assert.Contains("does not exist", fixture.Plugin.Hook.Detail, StringComparison.Ordinal);
        }
        fixture.StopAndAssertLedger();
        Assert.Equal([true, false, true, false], Attached(fixture));
    }

    [Fact]
    public void An_interface_that_is_down_is_said_to_be_and_is_followed_when_it_is_up()
    {
        using PodNetwork network = new();
        network.Node.Ip("link", "set", PodNetwork.Bridge, "down");
        using InterfaceFixture fixture = new(network.Node, PodNetwork.Bridge);
        fixture.Until(() => !fixture.Plugin.Hook.Attached, "the bridge is down");
        Assert.Contains("is down", fixture.Plugin.Hook.Detail, StringComparison.Ordinal);
        network.Node.Ip("link", "set", PodNetwork.Bridge, "up");
        fixture.Until(() => fixture.Plugin.Hook.Attached, "the bridge is up");
        AssertSeen(fixture, network);
        network.Node.Ip("link", "set", PodNetwork.Bridge, "down");
        fixture.Until(() => !fixture.Plugin.Hook.Attached, "the bridge is down again");
        network.Node.Ip("link", "set", PodNetwork.Bridge, "up");
        fixture.Until(() => fixture.Plugin.Hook.Attached, "the bridge is up again");
        AssertSeen(fixture, network);
        fixture.StopAndAssertLedger();
        Assert.Equal([true, false, true], Attached(fixture));
    }

    /// <summary>What was told, without what only gave another reason: on its way in or out an interface may be down for a moment.</summary>
    private static bool[] Attached(InterfaceFixture fixture)
    {
        lock (fixture.Changes)
        {
            return [.. fixture.Changes.Where((hook, i) => i == 0 || hook.Attached != fixture.Changes[i - 1].Attached).Select(static hook => hook.Attached)];
        }
    }

    private static void AssertSeen(InterfaceFixture fixture, PodNetwork network)
    {
        byte[] message = TcpPair.Message(1000);
        using TcpPair pair = TcpPair.Connect(PodNetwork.ServerIPv4, network.Server, network.Client);
        TcpPair.Transfer(pair.Client, pair.Server, message);
        Seen seen = fixture.Of(pair.Client);
        fixture.Until(() => seen.Count(Side.A) == message.Length, "the message");
    }
}
