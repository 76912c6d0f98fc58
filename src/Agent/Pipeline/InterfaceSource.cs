using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Plugins.Interface;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>The interface plugin with its streams, protocols and names.</summary>
internal sealed class InterfaceSource : ITransactionSource
{
    /// <summary>What the filter and its packet socket need.</summary>
    public const Capability Needed = Capability.Bpf | Capability.NetRaw;

    private readonly AgentOptions _options;
    private readonly InterfaceOptions _tapOptions;
    private readonly Ledger _ledger;
    private readonly IWorkloadResolver _resolver;
    private InterfaceTap? _tap;
    private InterfacePlugin? _plugin;
    private CompletenessMeter? _completeness;

    public InterfaceSource(AgentOptions options, Ledger ledger, IWorkloadResolver resolver)
    {
        _options = options;
        _ledger = ledger;
        _resolver = resolver;
        _tapOptions = TapOptions(options);
    }

    /// <inheritdoc/>
    public Action? Ended { get; set; }

    /// <inheritdoc/>
    public Action<HookStatus>? HookChanged { get; set; }

    /// <inheritdoc/>
    public string? Trouble => _plugin switch
    {
        null => null,
        { Failure: { } failure } => $"the capture ended: {failure.Message}",
        { Hook: { Attached: false } hook } => hook.Detail,
        _ => null,
    };

    /// <inheritdoc/>
    public bool HasEnded => _plugin?.Failure is not null;

    /// <inheritdoc/>
    public IReadOnlyList<HookStatus> Hooks => _plugin is null ? [] : [_plugin.Hook];

    /// <inheritdoc/>
    public double Completeness => _completeness?.Ratio ?? 1;

    /// <summary>The plugin's settings.</summary>
    public static InterfaceOptions TapOptions(AgentOptions options) => new()
    {
        Name = options.NetInterface,
        RingBytes = (int)options.TrafficRingBytes,
        BytesPerPacket = (int)options.TrafficBytesPerPacket,
    };

    /// <inheritdoc/>
    public void Start(ITransactionObserver observer, IBatchGate gate)
    {
        try
        {
            _tap = InterfaceTap.Load(_tapOptions);
        }
        catch (BpfException e)
        {
            throw new AgentException(e.Message);
        }
        _completeness = new CompletenessMeter(() => _plugin?.ReadRefused() ?? 0);
        EndNaming naming = new(_resolver, _options.NodeName, observer);
        FlowTable flows = new(Pipelines.StreamOptions(_options), Pipelines.CreateProtocols(_options), new ObserverList(_completeness, naming), _ledger, _tap.Control);
        naming.Flows = flows;
        _plugin = new InterfacePlugin(_tap, flows, _tapOptions, gate, _ledger)
        {
            Failed = () => Ended?.Invoke(),
            Changed = hook => HookChanged?.Invoke(hook),
        };
        _plugin.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _plugin?.Dispose();
        _tap?.Dispose();
        _tap = null;
    }
}
