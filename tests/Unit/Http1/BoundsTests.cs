using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Unit.Http1;

/// <summary>What a session may cost, whatever is sent.</summary>
public sealed class BoundsTests
{
    private static readonly byte[] Request = Encoding.ASCII.GetBytes(
        "GET /users/42?x=y HTTP/1.1\r\nHost: shop.example\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
        + "User-Agent: wrk\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n");

    private static readonly byte[] Response = Encoding.ASCII.GetBytes(
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: nginx\r\n\r\n5\r\nhello\r\n0\r\n\r\n");

    [Fact]
    public void Exchanges_allocate_nothing()
    {
        Http1Protocol protocol = new();
        CountingObserver observer = new();
        ProtocolSession session = Attach(protocol, observer);
        Exchange(session, 0, 10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exchange(session, 10, 5_000);
        session.OnTick(long.MaxValue / 2);
        long after = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(5_010, observer.Count);
        Assert.Equal(0, after - before);
    }

    [Fact]
    public void A_returned_session_is_as_new()
    {
        Http1Protocol protocol = new();
        CountingObserver observer = new();
        ProtocolSession first = Attach(protocol, observer);
        first.OnData(Side.A, "POST /never HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"u8, new DataInfo(1, 0, 0));
        first.Detach();
        protocol.Return(first);
        ProtocolSession second = Attach(protocol, observer);
        Assert.Same(first, second);
        Assert.Equal(30, second.OnData(Side.B, "GET / HTTP/1.1\r\nHost: server\r\n"u8, new DataInfo(1, 0, 0)));
        second.OnData(Side.B, "\r\n"u8, new DataInfo(1, 30, 0));
        second.OnData(Side.A, "HTTP/1.1 204 \r\n\r\n"u8, new DataInfo(2, 0, 32));
        Assert.Equal(1, observer.Count);
        Assert.Equal(Side.B, observer.LastClient);
    }

    [Fact]
    public void Requests_beyond_the_queue_are_reported_oldest_first_and_their_answers_passed_over()
    {
        Http1Protocol protocol = new();
        TransactionRecorder recorder = new();
        ProtocolSession session = Attach(protocol, recorder);
        StreamFeeder feeder = new(session);
        for (int i = 0; i < RequestQueue.Capacity + 3; i++)
        {
            feeder.Data(Side.A, Encoding.ASCII.GetBytes($"GET /{i} HTTP/1.1\r\n\r\n"), 1, 0);
        }
        Assert.Equal([("GET", "/0", 0), ("GET", "/1", 0), ("GET", "/2", 0)], recorder.Heads);
        for (int i = 0; i < RequestQueue.Capacity + 3; i++)
        {
            feeder.Data(Side.B, Encoding.ASCII.GetBytes($"HTTP/1.1 {200 + i} OK\r\nContent-Length: 0\r\n\r\n"), 1, feeder.Position(Side.A));
        }
        Assert.Equal(RequestQueue.Capacity + 3, recorder.Heads.Count);
        Assert.Equal([("GET", "/3", 203), ("GET", "/4", 204)], recorder.Heads[3..5]);
    }

    [Fact]
    public void Long_targets_of_many_pipelined_requests_stay_within_the_text_bound_and_keep_their_methods()
    {
        Http1Protocol protocol = new(textBudgetBytes: 100_000);
        TransactionRecorder recorder = new();
        ProtocolSession[] sessions = [Attach(protocol, recorder), Attach(protocol, recorder), Attach(protocol, recorder)];
        byte[] request = Encoding.ASCII.GetBytes("GET /" + new string('x', 8000) + " HTTP/1.1\r\nHost: " + new string('h', 600) + "\r\n\r\n");
        foreach (ProtocolSession session in sessions)
        {
            StreamFeeder feeder = new(session);
            for (int i = 0; i < 64; i++)
            {
                feeder.Data(Side.A, request, 1, 0);
            }
            Assert.True(protocol.TextBudgetTakenBytes <= 100_000);
            session.OnClose(EndReason.Finished, 2);
        }
        Assert.Equal(3 * 64, recorder.Heads.Count);
        Assert.All(recorder.Heads, head => Assert.Equal("GET", head.Method));
        foreach (ProtocolSession session in sessions)
        {
            protocol.Return(session);
        }
        Assert.Equal(0, protocol.TextBudgetTakenBytes);
    }

    [Theory]
    [InlineData("GET /")]
    [InlineData("GET / HTTP/1.1\r\nHost: ")]
    [InlineData("GET / HTTP/1.1\r\nX: ")]
    [InlineData("GET / HTTP/1.1\r\nContent-Length: 1\r\n ")]
    [InlineData("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;")]
    [InlineData("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")]
    [InlineData("HTTP/1.1 200 ")]
    [InlineData("")]
    public void An_endless_line_is_not_kept(string start)
    {
        foreach (byte filler in "0aA\r "u8)
        {
            StreamFeeder feeder = new(Attach(new Http1Protocol(), new CountingObserver()));
            feeder.Data(Side.A, Encoding.ASCII.GetBytes(start), 1, 0);
            byte[] piece = Enumerable.Repeat(filler, 1000).ToArray();
            for (int i = 0; i < 300; i++)
            {
                feeder.Data(Side.A, piece, 1, 0);
            }
            Assert.True(feeder.MostKept <= Http1Session.MaxTargetLength + 1200, $"kept {feeder.MostKept} behind {start} of {filler}");
        }
    }

    [Fact]
    public void Mutated_connections_never_throw_and_report_no_more_than_their_bytes_can_hold()
    {
        string[] names = [.. Http1Case.Names];
        byte[][] seeds = [.. names.SelectMany(name => File.ReadLines(Path.Combine(Http1Case.Folder, name, "input.txt")))
            .Where(line => line.Length is > 2 and < 2000 && line[0] is 'A' or 'B').Select(line => Encoding.Latin1.GetBytes(line.Replace("\\r", "\r", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal)))];
        for (int seed = 0; seed < 3_000; seed++)
        {
            Random random = new(seed);
            CountingObserver observer = new();
            ProtocolSession session = Attach(new Http1Protocol(TimeSpan.FromTicks(20)), observer, fromStart: random.Next(4) != 0);
            StreamFeeder feeder = new(session);
            long sent = 0;
            long now = 0;
            for (int step = 0; step < 40; step++)
            {
                now += random.Next(2000);
                Side side = (Side)random.Next(2);
                byte[] bytes = Mutate(random, seeds[random.Next(seeds.Length)]);
                long peer = random.Next(3) == 0 ? random.Next(-1, 5000) : feeder.Position(side.Other());
                switch (random.Next(12))
                {
                    case 0:
                        feeder.Gap(side, random.Next(1, 300), now, peer);
                        break;
                    case 1:
                        session.OnTick(now);
                        break;
                    case 2 when random.Next(8) == 0:
                        feeder.End(side, now, peer);
                        break;
                    default:
                        feeder.Data(side, bytes, now, peer);
                        sent += bytes.Length;
                        break;
                }
            }
            session.OnClose((EndReason)random.Next(6), now);
            Assert.True(observer.Count <= sent / 13, $"seed {seed}: {observer.Count} transactions of {sent} bytes");
            Assert.True(feeder.Presented <= sent * 40 + 1, $"seed {seed}: {feeder.Presented} presented of {sent}");
            session.Reset();
        }
    }

    private static byte[] Mutate(Random random, byte[] line)
    {
        int quote = Array.IndexOf(line, (byte)'"');
        byte[] bytes = quote < 0 || quote + 1 >= line.Length ? line : line[(quote + 1)..^1];
        bytes = [.. bytes];
        for (int i = random.Next(4); i > 0 && bytes.Length > 0; i--)
        {
            int at = random.Next(bytes.Length);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(1, 9))..]];
                    break;
                case 2:
                    bytes = [.. bytes[..at], .. bytes[random.Next(bytes.Length)..]];
                    break;
                default:
                    bytes = bytes[..at];
                    break;
            }
        }
        return bytes;
    }

    private static ProtocolSession Attach(Http1Protocol protocol, ITransactionObserver observer, bool fromStart = true)
    {
        ProtocolSession session = protocol.Rent();
        session.Attach(Connection.Create(new Endpoint(0, 1, 1), new Endpoint(0, 2, 80), fromStart), observer);
        return session;
    }

    private static void Exchange(ProtocolSession session, int first, int count)
    {
        for (long i = first; i < first + count; i++)
        {
            session.OnData(Side.A, Request, new DataInfo(i * 10, i * Request.Length, i * Response.Length));
            session.OnData(Side.B, Response, new DataInfo((i * 10) + 5, i * Response.Length, (i + 1) * Request.Length));
        }
    }

    private sealed class CountingObserver : ITransactionObserver
    {
        public int Count { get; private set; }

        public Side LastClient { get; private set; }

        public void OnTransaction(in Transaction transaction)
        {
            Count++;
            LastClient = transaction.ClientSide;
            Assert.True(transaction.Method.IsEmpty || transaction.Target.Length > 0);
            Assert.True(transaction.RequestBytes >= 0 && transaction.ResponseBytes >= 0);
        }
    }
}
