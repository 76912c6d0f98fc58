using System.Collections.Concurrent;
using System.Diagnostics;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Red;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Sinks.InfluxDb;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.InfluxDb;

/// <summary>The sink, as the agent makes it, in front of a real server.</summary>
internal sealed class RunningSink : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly ConcurrentQueue<string> _messages = new();

    public RunningSink(InfluxDbServer server, ExportOptions? export = null, int batchBytes = 256 * 1024)
    {
        InfluxDbSinkOptions options = new()
        {
            Server = server, NodeName = "node1", Version = "0.1.0", Url = ExportedUrl.Full, FlushInterval = TimeSpan.FromMilliseconds(100), BatchBytes = batchBytes,
            Export = export ?? new ExportOptions { FirstPause = TimeSpan.FromMilliseconds(100), MaxPause = TimeSpan.FromMilliseconds(500) },
        };
        Sink = new InfluxDbSink(options, Ledger, new ExportLog(_messages.Enqueue, _messages.Enqueue), static () => new AgentHealth(1, 0.5, 1 << 20, 2 << 20, 3, "0.1.0"));
        Sink.Start();
    }

    public RunningSink(InfluxServer server)
        : this(To(server))
    {
    }

    public Ledger Ledger { get; } = new();

    public InfluxDbSink Sink { get; }

    public IReadOnlyCollection<string> Messages => _messages;

    public static InfluxDbServer To(InfluxServer server) => new() { Url = server.Url, Database = server.Database };

    public LedgerStage Stage(string kind) => Ledger.Stages.Single(stage => stage.Name == "influxdb_" + kind);

    /// <summary>Waits while more than memory should hold is on its way: tests are faster than any server.</summary>
    public void Pace()
    {
        while (Stage("log").Held!() > 10_000)
        {
            Thread.Sleep(5);
        }
    }

    /// <summary>A request as the parse thread passes it.</summary>
    public void Request(Workload workload, long startNs, ReadOnlySpan<byte> target, ReadOnlySpan<byte> host = default, ReadOnlySpan<byte> method = default, ReadOnlySpan<byte> attributes = default, ushort clientPort = 40000, RedTable? red = null)
    {
        Connection connection = Connection.Create(Endpoint.From([10, 0, 0, 1], 8080), Endpoint.From([10, 0, 0, 2], clientPort), isLocalSocket: true);
        connection.Workload = workload;
        Transaction transaction = new()
        {
            Connection = connection, Protocol = "http", ClientSide = Side.B, StartNs = startNs, DurationNs = 1_500_000, TimeToFirstByteNs = 500_000,
            Method = method.IsEmpty ? "GET"u8 : method, Target = target, Host = host, Version = "1.1", Status = 200, RequestBytes = 100, ResponseBytes = 200, Attributes = attributes,
        };
        Sink.OnTransaction(in transaction);
        if (red is not null)
        {
            red.Enter();
            red.OnTransaction(in transaction);
            red.Exit();
        }
    }

    /// <summary>Waits until the server took as many, or there is no hope of it.</summary>
    public void WaitForOut(string kind, long count)
    {
        LedgerStage stage = Stage(kind);
        Stopwatch watch = Stopwatch.StartNew();
        while (stage.Out.Value < count)
        {
            long dropped = stage.Dropped.Sum(static reason => reason.Value.Value);
            if (dropped > 0 || watch.Elapsed > s_patience)
            {
                throw new TimeoutException($"{stage.Out.Value} of {count} are out, dropped: {string.Join(", ", stage.Dropped.Where(static reason => reason.Value.Value > 0).Select(static reason => $"{reason.Key} {reason.Value.Value}"))}; {Sink.Trouble}; {string.Join("; ", _messages)}");
            }
            Thread.Sleep(10);
        }
    }

    public void Dispose() => Sink.Dispose();
}
