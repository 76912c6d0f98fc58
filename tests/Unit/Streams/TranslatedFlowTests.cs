using System.Text;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Streams;

public sealed class TranslatedFlowTests : IFlowControl, ITransactionObserver
{
    private const uint ClientStart = 0xFFFF_FFF0; // wraps early
    private const uint ServerStart = 7000;
    private static readonly Endpoint s_client = End(10, 244, 0, 2, 40_000);
    private static readonly Endpoint s_pod = End(10, 244, 1, 9, 8080);
    private static readonly Endpoint s_service = End(10, 96, 0, 10, 80);

    private readonly RecordingProtocol _protocol = new();
    private readonly Ledger _ledger = new();
    private readonly FlowTable _flows;
    private readonly List<string> _hints = [];
    private long _nowNs = 1_000_000_000;

    public TranslatedFlowTests() => _flows = new FlowTable(new StreamOptions(), [_protocol], this, _ledger, this);

    private string Log => _protocol.Log.ToString().TrimEnd();

    [Fact]
    public void Requests_to_the_pod_and_answers_from_the_Service_are_one_connection()
    {
        Open(to: s_pod, from: s_service);
        Send(s_client, s_pod, 1, 1, "!ask");
        Send(s_service, s_client, 1, 5, "!answer");
        Send(s_client, s_pod, 5, 8, "", TcpFlags.Fin);
        Send(s_service, s_client, 8, 6, "", TcpFlags.Fin);
        Assert.Equal("A0:!ask B0:!answer Aend@4 Bend@7 close:Finished", Log);
        Assert.Equal(0, _flows.Engine.ConnectionCount);
        Assert.All(_ledger.Stages, static stage => Assert.Equal(0, stage.Unaccounted));
    }

    [Fact]
    public void Copies_before_and_behind_the_translation_are_one_connection()
    {
        Send(s_client, s_service, 0, 0, "", TcpFlags.Syn);
        Send(s_client, s_pod, 0, 0, "", TcpFlags.Syn);
        Send(s_pod, s_client, 0, 1, "", TcpFlags.Syn);
        Send(s_client, s_service, 1, 1, "!ask");
        Send(s_client, s_pod, 1, 1, "!ask");
        Send(s_pod, s_client, 1, 5, "!answer");
        Send(s_service, s_client, 1, 5, "!answer");
        Assert.Equal("A0:!ask B0:!answer", Log);
        Assert.Equal(1, _flows.Engine.ConnectionCount);
    }

    [Fact]
    public void Joined_in_the_middle_both_numbers_tell()
    {
        Send(s_client, s_pod, 900_000, 4000, "!ask");
        Send(s_service, s_client, 4000, 900_004, "!answer");
        Assert.Equal("A0:!ask B0:!answer", Log);
        Assert.Equal(1, _flows.Engine.ConnectionCount);
    }

    [Fact]
    public void Joined_in_the_middle_by_an_answer_the_request_is_found()
    {
        Send(s_service, s_client, 4000, 900_000, "!answer");
        Send(s_client, s_pod, 900_000, 4007, "!ask");
        Send(s_service, s_client, 4007, 900_004, "!again");
        Assert.Equal("A0:!answer B0:!ask A7:!again", Log);
        Assert.Equal(1, _flows.Engine.ConnectionCount);
    }

    [Theory]
    [InlineData(2, 1)] // acknowledges another SYN
    [InlineData(1, 3_000_000)] // far from what was seen
    public void Numbers_that_do_not_continue_it_are_another_connection(uint acknowledged, uint sequence)
    {
        Send(s_client, s_pod, 0, 0, "", TcpFlags.Syn);
        if (sequence == 1)
        {
            Send(s_service, s_client, 0, acknowledged, "", TcpFlags.Syn);
        }
        else
        {
            Send(s_client, s_pod, 1, 1, "!ask");
            Send(s_service, s_client, sequence, 5, "!answer");
        }
        Assert.Equal(2, _flows.Engine.ConnectionCount);
    }

    [Fact]
    public void The_same_ports_are_joined_again_after_the_end()
    {
        for (int i = 0; i < 3; i++)
        {
            Open(to: s_pod, from: s_service);
            Send(s_client, s_pod, 1, 1, $"!{i}");
            Send(s_service, s_client, 1, 3, "!x");
            Send(s_service, s_client, 3, 3, "", TcpFlags.Rst);
            // A late copy is nobody's.
            Send(s_client, s_pod, 1, 1, $"!{i}");
        }
        Assert.Equal("A0:!0 B0:!x close:Reset A0:!1 B0:!x close:Reset A0:!2 B0:!x close:Reset", Log);
        Assert.Equal(0, _flows.Engine.ConnectionCount);
    }

    [Fact]
    public void Hints_are_given_for_all_addresses()
    {
        Open(to: s_pod, from: s_service);
        _protocol.Consume = static (side, data) => side == Side.B ? data.Length + 100_000 : data.Length;
        Send(s_client, s_pod, 1, 1, "!ask");
        Assert.Equal(4, _hints.Count);
        Assert.Contains($"{s_client}>{s_pod} Capture", _hints);
        Assert.Contains($"{s_pod}>{s_client} Capture", _hints);
        Assert.Contains($"{s_client}>{s_service} Capture", _hints);
        Assert.Contains($"{s_service}>{s_client} Capture", _hints);
        _hints.Clear();
        Send(s_service, s_client, 1, 5, "!answer");
        Assert.Equal([$"{s_pod}>{s_client} {ServerStart + 8 + 100_000}", $"{s_service}>{s_client} {ServerStart + 8 + 100_000}"], _hints);
    }

    private static Endpoint End(byte a, byte b, byte c, byte d, ushort port) => Endpoint.From([a, b, c, d], port);

    private void Open(Endpoint to, Endpoint from)
    {
        Send(s_client, to, 0, 0, "", TcpFlags.Syn);
        Send(from, s_client, 0, 1, "", TcpFlags.Syn);
    }

    /// <summary>Numbers count from the side's SYN.</summary>
    private void Send(Endpoint source, Endpoint destination, uint sequence, uint acknowledged, string payload, TcpFlags flags = 0)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(payload);
        bool isClient = source == s_client;
        bool acknowledges = !isClient || (flags & TcpFlags.Syn) == 0;
        _nowNs += 1000;
        _flows.OnSegment(source, destination, new TcpSegment
        {
            TimestampNs = _nowNs,
            Sequence = unchecked((isClient ? ClientStart : ServerStart) + sequence),
            Acknowledgment = acknowledges ? unchecked((isClient ? ServerStart : ClientStart) + acknowledged) : 0,
            Flags = flags | (acknowledges ? TcpFlags.Ack : 0),
            PayloadLength = bytes.Length,
            Payload = bytes,
        });
    }

    void IFlowControl.SetVerdict(Endpoint source, Endpoint destination, FlowVerdict verdict) => _hints.Add($"{source}>{destination} {verdict}");

    void IFlowControl.SkipUntil(Endpoint source, Endpoint destination, uint sequence) => _hints.Add($"{source}>{destination} {sequence}");

    void ITransactionObserver.OnTransaction(in Transaction transaction) => Assert.Fail("this protocol emits nothing");
}
