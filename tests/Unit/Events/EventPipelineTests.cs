using System.Collections.Concurrent;
using KubeBpfBox.Agent.Pipeline;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Events;

public sealed class EventPipelineTests : INodeEventObserver, IWorkloadResolver
{
    private const string Id = "8b534f7f0c678b2b3f4c2a1d0e9f8a7b6c5d4e3f20192a3b4c5d6e7f8091a2b3";

    private readonly ConcurrentQueue<NodeEvent> _seen = new();
    private volatile bool _isKnown;

    public int Generation => 0;

    [Fact]
    public async Task An_event_waits_for_the_name_of_a_new_pod_and_no_longer()
    {
        Ledger ledger = new();
        EventPipeline pipeline = new(this, ledger, this);
        await using (pipeline.ConfigureAwait(false))
        {
            pipeline.OnEvent(Kill("kubepods/pod1/" + Id));
            await Task.Delay(250, TestContext.Current.CancellationToken);
            Assert.Empty(_seen);
            _isKnown = true;
            await UntilSeenAsync(1);
            Assert.Equal("web-1", Assert.Single(_seen).Workload.Pod);
            _isKnown = false;
            pipeline.OnEvent(Kill("kubepods/pod1/" + Id));
            await UntilSeenAsync(2);
            Assert.Null(_seen.Last().Workload.Pod);
        }
        ledger.Refresh();
        LedgerStage stage = Assert.Single(ledger.Stages);
        Assert.Equal((2L, 2L, 0L), (stage.In.Value, stage.Out.Value, stage.Unaccounted));
    }

    [Theory]
    [InlineData("kubepods/burstable/pod79b74499-0514-4575-8962-d28ec9d84c5b/" + Id, OomScope.Container)]
    [InlineData("kubepods/burstable/pod79b74499-0514-4575-8962-d28ec9d84c5b", OomScope.Pod)]
    [InlineData("kubepods/burstable", OomScope.Cgroup)]
    [InlineData("system.slice/nginx.service", OomScope.Cgroup)]
    public async Task Whose_limit_it_was_is_read_from_its_path(string limitCgroup, OomScope expected)
    {
        _isKnown = true;
        EventPipeline pipeline = new(this, new Ledger(), this);
        await using (pipeline.ConfigureAwait(false))
        {
            pipeline.OnEvent(Kill(limitCgroup));
        }
        // Disposal hands on what waited.
        Assert.Equal(expected, Assert.IsType<OomKillEvent>(Assert.Single(_seen)).Scope);
    }

    void INodeEventObserver.OnEvent(NodeEvent happened) => _seen.Enqueue(happened);

    public Workload Resolve(in OwnerHint hint) => Workload.Unknown;

    public Workload ResolveAddress(Endpoint endpoint, uint networkNamespace) => Workload.Unknown;

    public Workload Refresh(Workload workload) => _isKnown ? TestEvents.Pod("web-1") : workload;

    private static OomKillEvent Kill(string limitCgroup) => TestEvents.Kill(1, "x") with
    {
        Workload = new Workload(Id[..12], WorkloadSource.Cgroup) { ContainerId = Id, PodUid = "1", IsProvisional = true }, Scope = OomScope.Cgroup, LimitCgroup = limitCgroup,
    };

    private async Task UntilSeenAsync(int count)
    {
        while (_seen.Count < count)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
