using System.Text;
using KubeBpfBox.Agent.Pipeline;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Unit.Identity;

/// <summary>A request between two ends, through the flow table: who is said to have seen it.</summary>
public sealed class EndNamingTests : IWorkloadResolver, ITransactionObserver
{
    private static readonly Endpoint s_client = End(10, 244, 0, 2, 40_000);
    private static readonly Endpoint s_pod = End(10, 244, 0, 3, 8080);
    private static readonly Endpoint s_service = End(10, 96, 0, 10, 80);
    private static readonly Workload s_clientPod = Pod("curl", "here");
    private static readonly Workload s_serverPod = Pod("web", "here");
    private static readonly Workload s_webService = new("web", WorkloadSource.Address) { Kind = "Service", Namespace = "shop", Service = "web", Node = "here" };

    private readonly Dictionary<Endpoint, Workload> _known = [];
    private readonly List<string> _seen = [];
    private readonly FlowTable _flows;

    public EndNamingTests()
    {
        EndNaming naming = new(this, "here", this);
        _flows = new FlowTable(new StreamOptions(), [new Http1Protocol()], naming, new Ledger());
        naming.Flows = _flows;
    }

    public int Generation => 0;

    [Fact]
    public void Between_two_pods_of_this_node_both_ends_report()
    {
        Know(s_client, s_clientPod);
        Know(s_pod, s_serverPod);
        Request(s_pod, s_pod);
        Assert.Equal(["client curl to web, 10.244.0.3:8080", "server web to curl, 10.244.0.3:8080"], _seen.Order());
    }

    [Fact]
    public void Of_an_end_on_another_node_only_the_other_reports()
    {
        Know(s_client, s_clientPod);
        Know(s_pod, Pod("web", "elsewhere"));
        Request(s_pod, s_pod);
        Assert.Equal(["client curl to web, 10.244.0.3:8080"], _seen);
    }

    [Fact]
    public void Nobody_known_is_reported_once_without_a_role()
    {
        Request(s_pod, s_pod);
        Assert.Equal(["- - to -, 10.244.0.3:8080"], _seen);
    }

    [Fact]
    public void A_Service_is_a_peer_and_never_an_end_that_saw_it()
    {
        Know(s_client, s_clientPod);
        Know(s_service, s_webService);
        Request(s_service, s_service);
        Assert.Equal(["client curl to Service web, 10.96.0.10:80"], _seen);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Through_a_Service_the_client_saw_the_Service_and_the_server_itself(bool serviceFirst)
    {
        Know(s_client, s_clientPod);
        Know(s_pod, s_serverPod);
        Know(s_service, s_webService);
        Request(serviceFirst ? s_service : s_pod, serviceFirst ? s_pod : s_service);
        Assert.Equal(["client curl to Service web, 10.96.0.10:80", "server web to curl, 10.244.0.3:8080"], _seen.Order());
    }

    [Fact]
    public void A_translated_end_that_nobody_knows_is_shown_as_it_was_seen_first()
    {
        Know(s_client, s_clientPod);
        Request(s_pod, s_service);
        Assert.Equal(["client curl to unknown, 10.244.0.3:8080"], _seen);
    }

    public Workload Resolve(in OwnerHint hint) => throw new NotSupportedException();

    public Workload Refresh(Workload workload) => workload;

    public Workload ResolveAddress(Endpoint endpoint, uint networkNamespace) => _known.GetValueOrDefault(endpoint, Workload.Unknown);

    void ITransactionObserver.OnTransaction(in Transaction transaction)
    {
        Connection connection = transaction.Connection;
        static string Text(Workload? workload) => workload is null ? "-" : workload.Kind == "Service" ? $"Service {workload.Name}" : workload.Name;
        string? role = connection.RoleOf(transaction.ClientSide);
        Side other = connection.ObservedAt?.Other() ?? Side.B;
        _seen.Add($"{role ?? "-"} {Text(connection.WorkloadOf(other.Other()))} to {Text(connection.WorkloadOf(other))}, {connection.EndOf(transaction.ClientSide.Other())}");
    }

    private static Workload Pod(string name, string node) => new(name, WorkloadSource.Address) { Kind = "Deployment", Namespace = "shop", Pod = name + "-0", Node = node };

    private static Endpoint End(byte a, byte b, byte c, byte d, ushort port) => Endpoint.From([a, b, c, d], port);

    private void Know(Endpoint end, Workload workload) => _known[end] = workload;

    private void Request(Endpoint to, Endpoint from)
    {
        Send(s_client, to, 0, 0, "", TcpFlags.Syn);
        Send(from, s_client, 0, 1, "", TcpFlags.Syn | TcpFlags.Ack);
        Send(s_client, to, 1, 1, "GET / HTTP/1.1\r\nHost: web\r\n\r\n", TcpFlags.Ack);
        Send(from, s_client, 1, 30, "HTTP/1.1 204 No Content\r\n\r\n", TcpFlags.Ack);
    }

    private void Send(Endpoint source, Endpoint destination, uint sequence, uint acknowledged, string payload, TcpFlags flags)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(payload);
        bool isClient = source == s_client;
        _flows.OnSegment(source, destination, new TcpSegment
        {
            TimestampNs = 1_000_000_000,
            Sequence = (isClient ? 1000u : 5000u) + sequence,
            Acknowledgment = (isClient ? 5000u : 1000u) + acknowledged,
            Flags = flags,
            PayloadLength = bytes.Length,
            Payload = bytes,
        });
    }
}
