using System.Diagnostics;
using System.Net.Sockets;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Kernel.Traffic;
using KubeBpfBox.Plugins.Interface;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.Interface;

/// <summary>The plugin on an interface of a namespace, with a recorder at its end.</summary>
internal sealed class InterfaceFixture : IDisposable
{
    private readonly Gate _gate = new();

    public InterfaceFixture(NetworkNamespace network, string name, int ringBytes = 4 * 1024 * 1024)
    {
        InterfaceOptions options = new() { Name = name, RingBytes = ringBytes };
        Tap = InterfaceTap.Load(options);
        try
        {
            Flows = new FlowTable(new StreamOptions { MaxBytes = 64 * 1024 * 1024 }, [Recorder], Recorder, Ledger, Tap.Control);
            Plugin = network.Enter(() =>
            {
                // Its thread looks for the interface where it was started.
                InterfacePlugin plugin = new(Tap, Flows, options, _gate, Ledger);
                plugin.Changed = hook =>
                {
                    lock (Changes)
                    {
                        Changes.Add(hook);
                    }
                };
                plugin.Start();
                return plugin;
            });
        }
        catch
        {
            Tap.Dispose();
            throw;
        }
    }

    public InterfaceTap Tap { get; }

    public InterfacePlugin Plugin { get; }

    public FlowTable Flows { get; }

    public Recorder Recorder { get; } = new();

    public Ledger Ledger { get; } = new();

    /// <summary>What the plugin told; lock it.</summary>
    public List<HookStatus> Changes { get; } = [];

    /// <summary>Reads what was recorded, between two batches of the plugin's thread.</summary>
    public T Read<T>(Func<T> function)
    {
        _gate.Enter();
        try
        {
            return function();
        }
        finally
        {
            _gate.Exit();
        }
    }

    public void Until(Func<bool> condition, string what)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!Read(condition))
        {
            if (Plugin.Failure is { } failure)
            {
                throw new InvalidOperationException("the plugin's thread ended", failure);
            }
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(15), $"{what}: not within 15 s. {Describe()}");
            Thread.Sleep(2);
        }
    }

    /// <summary>Packet sockets of a namespace.</summary>
    public static int PacketSockets(NetworkNamespace network) => network.Enter(() => File.ReadLines("/proc/thread-self/net/packet").Skip(1).Count());

    /// <summary>What was seen of the connection between two sockets.</summary>
    public Seen Of(Socket client)
    {
        Core.Records.Endpoint local = TapFixture.EndpointOf(client.LocalEndPoint), remote = TapFixture.EndpointOf(client.RemoteEndPoint);
        Seen? Find() => Recorder.Connections.FindLast(seen => (seen.Local == local && seen.Remote == remote) || (seen.Local == remote && seen.Remote == local));
        Until(() => Find() is not null, $"a connection from {local} to {remote}");
        return Read(() => Find())!;
    }

    public long Dropped(string stage, string reason)
    {
        Ledger.Refresh();
        return Ledger.Stages.Single(one => one.Name == stage).Dropped.Single(one => one.Key == reason).Value.Value;
    }

    /// <summary>Ends the plugin's thread: then every stage of the ledger is at rest and its identity must hold.</summary>
    public void StopAndAssertLedger()
    {
        Plugin.Stop();
        Ledger.Refresh();
        foreach (LedgerStage stage in Ledger.Stages)
        {
            Assert.True(stage.Unaccounted == 0, $"{stage.Name}: {stage.Unaccounted} {stage.Unit} unaccounted. {Describe()}");
        }
        Assert.Equal(0, Flows.Engine.ConnectionCount);
        Assert.Equal(0, Flows.Engine.BufferedBytes);
    }

    public string Describe()
    {
        Ledger.Refresh();
        return string.Join("; ", Ledger.Stages.Select(static stage =>
            $"{stage.Name}: in {stage.In.Value} out {stage.Out.Value} {string.Join(' ', stage.Dropped.Where(static d => d.Value.Value > 0).Select(static d => $"{d.Key} {d.Value.Value}"))}"));
    }

    public void Dispose()
    {
        Plugin.Dispose();
        Tap.Dispose();
    }

    private sealed class Gate : IBatchGate
    {
        private readonly Lock _lock = new();

        public void Enter() => _lock.Enter();

        public void Exit() => _lock.Exit();
    }
}
