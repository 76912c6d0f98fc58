using System.Security.Cryptography;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Plugins.Interface;

/// <summary>The kernel side of the plugin, loaded: the socket filter, its counters, and what user space tells it about flows.</summary>
/// <remarks>
/// Lifetime: everything in the kernel belongs to this object's descriptors and goes with the process, however it ends.
/// Threads: hints come from the thread that parses; counters may be read by any thread, also after disposal.
/// </remarks>
public sealed class InterfaceTap : IDisposable
{
    private readonly BpfObject _object;
    private readonly FlowSlots _slots;
    private readonly BpfPerCpuArray<ulong> _counters;
    private readonly Lock _counting = new();
    private readonly long[] _last;
    private bool _isDisposed;

    private InterfaceTap(BpfObject loaded, ulong seed)
    {
        _object = loaded;
        _slots = new FlowSlots(loaded.Maps["slots"], seed);
        _counters = new BpfPerCpuArray<ulong>(loaded.Maps["counters"]);
        _last = new long[_counters.Length];
    }

    /// <summary>Takes the stream engine's hints.</summary>
    public IFlowControl Control => _slots;

    /// <summary>The program.</summary>
    internal BpfProgram Filter => _object.Programs["interface__packet"];

    /// <summary>Loads the filter; nothing is captured before a socket has it.</summary>
    /// <exception cref="BpfException">The kernel refused; the message says what to do.</exception>
    public static InterfaceTap Load(InterfaceOptions options)
    {
        ulong seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        return BpfObject.LoadResource(typeof(InterfaceTap).Assembly, "interface.bpf.o", loading =>
        {
            InterfaceLayout.Check(loading);
            loading.SetRodata("flow_seed", seed);
            loading.SetRodata("bytes_per_packet", (uint)options.BytesPerPacket);
            loading.SetRodata("bytes_per_wanted_packet", options.BytesPerPacket >= InterfaceOptions.WholePacketsFrom ? uint.MaxValue : (uint)options.BytesPerPacket);
        }, loaded => new InterfaceTap(loaded, seed));
    }

    /// <summary>One of the kernel's counters, all CPUs together.</summary>
    internal long Read(InterfaceCount count)
    {
        lock (_counting)
        {
            return _last[(int)count] = _isDisposed ? _last[(int)count] : (long)_counters.Sum((int)count);
        }
    }

    /// <summary>Adds the page of the filter to the ledger.</summary>
    /// <returns>The stage, whose Out is brought up to date when the ledger is read.</returns>
    internal LedgerStage AddTo(Ledger ledger)
    {
        LedgerStage stage = ledger.AddStage("interface_kernel", "packets");
        (Counter Counter, InterfaceCount Count)[] counters =
        [
            (stage.In, InterfaceCount.Packets),
            (stage.Out, InterfaceCount.Passed),
            (stage.DropReason("looped"), InterfaceCount.Looped),
            (stage.DropReason("not_tcp"), InterfaceCount.NotTcp),
            (stage.DropReason("not_parsed"), InterfaceCount.NotParsed),
            (stage.DropReason("no_payload"), InterfaceCount.NoPayload),
            (stage.DropReason("ignored"), InterfaceCount.Ignored),
            (stage.DropReason("not_wanted"), InterfaceCount.NotWanted),
        ];
        ledger.OnRead(() =>
        {
            foreach ((Counter counter, InterfaceCount count) in counters)
            {
                counter.Value = Read(count);
            }
        });
        return stage;
    }

    /// <summary>Unloads.</summary>
    public void Dispose()
    {
        lock (_counting)
        {
            for (int i = 0; i < _last.Length && !_isDisposed; i++)
            {
                _last[i] = (long)_counters.Sum(i);
            }
            _isDisposed = true;
        }
        _slots.Dispose();
        _object.Dispose();
    }
}
