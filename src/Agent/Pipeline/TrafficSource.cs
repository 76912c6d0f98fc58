using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Agent.Identity;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Plugins.Traffic;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>The traffic plugin with its streams, protocols and names.</summary>
internal sealed class TrafficSource : ITransactionSource
{
    /// <summary>What loading and attaching the tap needs.</summary>
    public const Capability Needed = Capability.Bpf | Capability.Perfmon | Capability.NetAdmin;

    private readonly AgentOptions _options;
    private readonly TrafficOptions _tapOptions;
    private readonly Ledger _ledger;
    private readonly WorkloadResolver _resolver;
    private TrafficTap? _tap;
    private TrafficPlugin? _plugin;
    private CompletenessMeter? _completeness;

    public TrafficSource(AgentOptions options, Ledger ledger, WorkloadResolver resolver)
    {
        _options = options;
        _ledger = ledger;
        _resolver = resolver;
        _tapOptions = TapOptions(options);
    }

    /// <inheritdoc/>
    public Action? Ended { get; set; }

    /// <inheritdoc/>
    public string? Trouble => _plugin?.Failure is { } failure ? $"the capture ended: {failure.Message}" : null;

    /// <inheritdoc/>
    public IReadOnlyList<HookStatus> Hooks => _tap?.Hooks ?? [];

    /// <inheritdoc/>
    public double Completeness => _completeness?.Ratio ?? 1;

    /// <summary>The plugin's settings.</summary>
    public static TrafficOptions TapOptions(AgentOptions options) => new()
    {
        RingBytes = (int)options.TrafficRingBytes,
        BytesPerPacket = (int)options.TrafficBytesPerPacket,
        CgroupPath = options.TrafficCgroupPath.Length == 0 ? null : options.TrafficCgroupPath,
    };

    /// <inheritdoc/>
    public void Start(ITransactionObserver observer, IBatchGate gate)
    {
        try
        {
            _tap = TrafficTap.Load(_tapOptions);
            _completeness = new CompletenessMeter(_tap.ReadRefused);
            StreamEngine engine = new(Pipelines.StreamOptions(_options), Pipelines.CreateProtocols(_options), new ConnectionNamer(_resolver, new ObserverList(_completeness, observer)), _tap, _ledger);
            _plugin = new TrafficPlugin(_tap, engine, _resolver, gate, _ledger, _resolver);
            _plugin.Failed = () => Ended?.Invoke();
            _tap.Attach(_tapOptions);
        }
        catch (BpfException e)
        {
            throw new AgentException(e.Message);
        }
        _plugin.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Detach first: what is in the ring is then all there will be.
        _tap?.Detach();
        _plugin?.Dispose();
        _tap?.Dispose();
        _tap = null;
    }
}
