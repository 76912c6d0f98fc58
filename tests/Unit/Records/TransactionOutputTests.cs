using System.Buffers;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Records;

public sealed class TransactionOutputTests
{
    private const long StartNs = 1_769_862_896_000_000_789;

    private static readonly Endpoint Local = Endpoint.From([10, 0, 0, 1], 43210);
    private static readonly Endpoint Remote = Endpoint.From([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 80);

    private delegate void Writer(IBufferWriter<byte> output);

    private static string Written(Writer write)
    {
        // Both a roomy writer and one that gives the least it may must get the same.
        ArrayBufferWriter<byte> roomy = new(1 << 16);
        write(roomy);
        StingyWriter stingy = new();
        write(stingy);
        Assert.Equal(roomy.WrittenSpan, stingy.Bytes.ToArray());
        return new UTF8Encoding(false, true).GetString(roomy.WrittenSpan);
    }

    private static string Json(Func<Transaction> make) => Written(output => TransactionJson.Write(output, make()));

    private static string Text(Func<Transaction> make, bool ansi = false) => Written(output => TransactionText.Write(output, make(), ansi));

    private delegate Transaction Func<T>()
        where T : allows ref struct;

    private static Transaction Ordinary(Connection connection, Side clientSide = Side.A, TransactionFlags flags = TransactionFlags.None, string? error = null, ReadOnlySpan<byte> attributes = default) => new()
    {
        Connection = connection,
        Protocol = "http",
        ClientSide = clientSide,
        StartNs = StartNs,
        DurationNs = 1_234_567,
        TimeToFirstByteNs = 1_000_000,
        Method = "GET"u8,
        Target = "/a/b+c?x=1&y=<2>'"u8,
        Host = "example.com"u8,
        Version = "1.1",
        Status = 200,
        RequestBytes = 390,
        ResponseBytes = 1456,
        RequestBodyBytes = 0,
        ResponseBodyBytes = 1024,
        Error = error,
        Flags = flags,
        Attributes = attributes,
    };

    private static Connection Socket(Workload workload)
    {
        Connection connection = Connection.Create(Local, Remote, isLocalSocket: true);
        connection.Workload = workload;
        return connection;
    }

    [Fact]
    public void Json_of_a_replayed_transaction()
    {
        string line = Json(() => Ordinary(Connection.Create(Local, Remote)));
        Assert.Equal(
            """{"protocol":"http","start":"2026-01-31T12:34:56.000000789Z","duration_ns":1234567,"time_to_first_byte_ns":1000000,"client":"10.0.0.1:43210","server":"[2001:db8::1]:80","method":"GET","target":"/a/b+c?x=1&y=<2>'","host":"example.com","version":"1.1","status":200,"request_bytes":390,"response_bytes":1456,"request_body_bytes":0,"response_body_bytes":1024}""" + "\n",
            line);
    }

    [Fact]
    public void Json_of_a_local_socket_names_role_and_owner()
    {
        Workload workload = new("nginx.service", "cgroup") { ContainerId = "abc", ProcessName = "nginx", ProcessId = 42 };
        string line = Json(() => Ordinary(Socket(workload), Side.B));
        Assert.StartsWith("""{"protocol":"http","role":"server",""", line, StringComparison.Ordinal);
        Assert.Contains("""
            "client":"[2001:db8::1]:80","server":"10.0.0.1:43210"
            """, line, StringComparison.Ordinal);
        Assert.EndsWith(""","destination":{"workload":"nginx.service","container_id":"abc","process":"nginx","pid":42,"identity":"cgroup"}}""" + "\n", line, StringComparison.Ordinal);
        line = Json(() => Ordinary(Socket(Workload.Unknown)));
        Assert.Contains(""" "role":"client", """.Trim(), line, StringComparison.Ordinal);
        Assert.EndsWith(""","source":{"workload":"unknown","identity":"unknown"}}""" + "\n", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_of_what_was_not_captured_is_null()
    {
        string line = Json(() => new Transaction
        {
            Connection = Connection.Create(Local, Remote),
            Protocol = "http",
            ClientSide = Side.A,
            StartNs = -1,
            Error = TransactionError.NotCaptured,
            Flags = TransactionFlags.RequestTruncated | TransactionFlags.ResponseTruncated | TransactionFlags.BodyIncomplete | TransactionFlags.PairedAfterLoss,
        });
        Assert.Equal(
            """{"protocol":"http","start":"1969-12-31T23:59:59.999999999Z","duration_ns":null,"time_to_first_byte_ns":null,"client":"10.0.0.1:43210","server":"[2001:db8::1]:80","method":null,"target":null,"host":null,"version":null,"status":null,"request_bytes":0,"response_bytes":0,"request_body_bytes":null,"response_body_bytes":null,"error":"not_captured","incomplete":["request_truncated","response_truncated","body_incomplete","paired_after_loss"]}""" + "\n",
            line);
        line = Json(() => Ordinary(Connection.Create(Local, Remote), flags: TransactionFlags.BodyIncomplete));
        Assert.EndsWith(",\"incomplete\":[\"body_incomplete\"]}\n", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_of_attributes()
    {
        byte[] buffer = new byte[1000];
        AttributeWriter writer = new(buffer);
        Assert.True(writer.TryAdd("qname"u8, "a\"b"u8));
        Assert.True(writer.TryAdd("stream_id"u8, long.MinValue));
        Assert.True(writer.TryAdd("tls"u8, true));
        Assert.True(writer.TryAdd("cut\n"u8, false));
        Assert.True(writer.TryAdd("interim"u8, [100L, 103L]));
        Assert.True(writer.TryAdd("none"u8, ReadOnlySpan<long>.Empty));
        byte[] attributes = writer.Written.ToArray();
        string line = Json(() => Ordinary(Connection.Create(Local, Remote), attributes: attributes));
        Assert.EndsWith(""","response_body_bytes":1024,"qname":"a\"b","stream_id":-9223372036854775808,"tls":true,"cut\n":false,"interim":[100,103],"none":[]}""" + "\n", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(long.MinValue, "1677-09-21T00:12:43.145224192Z")]
    [InlineData(long.MaxValue, "2262-04-11T23:47:16.854775807Z")]
    [InlineData(951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z")]
    public void Any_time_has_a_text(long startNs, string expected)
    {
        string line = Json(() => new Transaction { Connection = Connection.Create(Local, Remote), Protocol = "http", ClientSide = Side.A, StartNs = startNs });
        Assert.Equal(expected, JsonDocument.Parse(line).RootElement.GetProperty("start").GetString());
    }

    [Fact]
    public void Hostile_bytes_give_valid_json_with_the_same_text()
    {
        Random random = new(11);
        byte[][] nasty = [[0], [0x1B], (byte[])[.. "\""u8], [.. "\\"u8], [0x7F], [0x80], [0xC2, 0x9B], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC0, 0x80], [0xFF], [.. "é€"u8], [.. "</script>"u8], [0x0A], [0xE2, 0x80, 0xA8], [.. new string('x', 600).Select(c => (byte)c)]];
        for (int round = 0; round < 3000; round++)
        {
            byte[] target = [.. Enumerable.Range(0, random.Next(1, 20)).SelectMany(_ => random.Next(3) == 0 ? [(byte)random.Next(256)] : nasty[random.Next(nasty.Length)])];
            byte[] attributes = new byte[random.Next(40)];
            random.NextBytes(attributes.AsSpan(Math.Min(attributes.Length, 1)));
            string workload = Encoding.Latin1.GetString(target) + (char)random.Next(0xD800, 0xE000) + "x";
            string line = Json(() => new Transaction
            {
                Connection = Socket(new Workload(workload, "")),
                Protocol = "http",
                ClientSide = Side.A,
                StartNs = 0,
                Method = target,
                Target = target,
                Host = target,
                Version = workload,
                Attributes = attributes,
            });
            Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
            Assert.DoesNotContain(line[..^1], char.IsControl);
            JsonElement root = JsonDocument.Parse(line).RootElement;
            Assert.Equal(Encoding.UTF8.GetString(target), root.GetProperty("target").GetString());
            Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(workload)), root.GetProperty("source").GetProperty("workload").GetString());

            line = Text(() => new Transaction { Connection = Socket(new Workload(workload, "")), Protocol = "http", ClientSide = Side.A, StartNs = 0, Method = target, Target = target, Host = target });
            Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
            Assert.DoesNotContain(line[..^1], c => c is < ' ' or > '~' and not 'µ');
        }
    }

    [Fact]
    public void Text_lines_align()
    {
        Workload workload = new("nginx.service", "cgroup");
        Assert.Equal("12:34:56.000 10.0.0.1:43210        -> [2001:db8::1]:80      200  1.23ms   390B/1.45kB GET     example.com/a/b+c?x=1&y=<2>'\n", Text(() => Ordinary(Connection.Create(Local, Remote))));
        Assert.Equal("12:34:56.000 client nginx.service         -> [2001:db8::1]:80      200  1.23ms   390B/1.45kB GET     example.com/a/b+c?x=1&y=<2>'\n", Text(() => Ordinary(Socket(workload))));
        Assert.Equal("12:34:56.000 server [2001:db8::1]:80      -> nginx.service         200  1.23ms   390B/1.45kB GET     example.com/a/b+c?x=1&y=<2>' (timeout) (incomplete)\n", Text(() => Ordinary(Socket(workload), Side.B, TransactionFlags.BodyIncomplete, "timeout")));
        Assert.Equal("00:00:00.000 10.0.0.1:43210        -> [2001:db8::1]:80        -       -         0B/0B -       -\n", Text(() => new Transaction { Connection = Connection.Create(Local, Remote), Protocol = "http", ClientSide = Side.A, StartNs = 0 }));
    }

    [Theory]
    [InlineData(0, "  0.00µs")]
    [InlineData(999, "  0.99µs")]
    [InlineData(12_345, "  12.3µs")]
    [InlineData(999_999, "   999µs")]
    [InlineData(1_000_000, "  1.00ms")]
    [InlineData(59_990_000_000, "   59.9s")]
    [InlineData(123_456_000_000_000, " 123456s")]
    public void Durations_for_people(long durationNs, string expected)
    {
        string line = Text(() => new Transaction { Connection = Connection.Create(Local, Remote), Protocol = "http", ClientSide = Side.A, StartNs = 0, Status = 204, DurationNs = durationNs });
        Assert.Contains(" 204" + expected + " ", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(101, "36")]
    [InlineData(200, "32")]
    [InlineData(304, "36")]
    [InlineData(404, "33")]
    [InlineData(503, "1;31")]
    public void Colours_only_on_request(int status, string colour)
    {
        string line = Text(() => new Transaction { Connection = Connection.Create(Local, Remote), Protocol = "http", ClientSide = Side.A, StartNs = 0, Status = status }, ansi: true);
        Assert.Contains($"\e[{colour}m{status}\e[0m", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Target_forms_with_and_without_host()
    {
        static string Line(string target) => Text(() => new Transaction { Connection = Connection.Create(Local, Remote), Protocol = "http", ClientSide = Side.A, StartNs = 0, Method = "OPTIONS"u8, Host = "h"u8, Target = Encoding.ASCII.GetBytes(target) });

        Assert.EndsWith(" OPTIONS h/x\n", Line("/x"), StringComparison.Ordinal);
        Assert.EndsWith(" OPTIONS h*\n", Line("*"), StringComparison.Ordinal);
        Assert.EndsWith(" OPTIONS http://o/x\n", Line("http://o/x"), StringComparison.Ordinal);
        Assert.EndsWith(@" OPTIONS h/\x1b[2J\\" + "\n", Line("/\e[2J\\"), StringComparison.Ordinal);
    }

    [Fact]
    public void Both_forms_allocate_nothing()
    {
        ArrayBufferWriter<byte> output = new(1 << 16);
        Connection connection = Socket(new Workload("nginx.service", "cgroup") { ProcessName = "nginx", ProcessId = 1 });
        Run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
        {
            Run();
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run()
        {
            output.ResetWrittenCount();
            TransactionJson.Write(output, Ordinary(connection, flags: TransactionFlags.BodyIncomplete));
            TransactionText.Write(output, Ordinary(connection), ansi: true);
        }
    }

    private sealed class StingyWriter : IBufferWriter<byte>
    {
        private byte[] _lent = [];

        public List<byte> Bytes { get; } = [];

        public void Advance(int count) => Bytes.AddRange(_lent.AsSpan(0, count));

        public Memory<byte> GetMemory(int sizeHint = 0) => _lent = new byte[Math.Max(1, sizeHint)];

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
