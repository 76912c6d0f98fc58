using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Unit.Http1;

/// <summary>One case of protocols/http1/testcases: what both sides sent, in the order it was captured.</summary>
/// <remarks>Shape: see protocols/http1/testcases/README.md.</remarks>
internal sealed class Http1Case
{
    private readonly List<Event> _events = [];
    private bool _fromStart = true;

    private enum Kind
    {
        Data,
        Gap,
        Cut,
        End,
        Wait,
        Close,
    }

    /// <summary>Bytes sent, in both directions together.</summary>
    public int ByteCount { get; private set; }

    public static string Folder { get; } = FindFolder();

    /// <summary>Names of all cases.</summary>
    public static IEnumerable<string> Names =>
        Directory.GetFiles(Folder, "input.txt", SearchOption.AllDirectories).Select(path => Path.GetFileName(Path.GetDirectoryName(path)!)).Order(StringComparer.Ordinal);

    public static Http1Case Load(string name) => Parse(File.ReadAllLines(Path.Combine(Folder, name, "input.txt")));

    public static Http1Case Parse(IEnumerable<string> lines)
    {
        Http1Case result = new();
        foreach (string line in lines)
        {
            if (line.Length > 0 && line[0] != '#')
            {
                result.Add(line.Trim());
            }
        }
        return result;
    }

    /// <summary>Runs the whole case.</summary>
    /// <param name="observer">Takes the transactions.</param>
    /// <param name="splitAt">Called with each byte's running number: true to end a segment in front of it.</param>
    /// <param name="limit">How many bytes are sent before the capture ends.</param>
    public StreamFeeder Run(ITransactionObserver observer, Func<int, bool> splitAt, int limit = int.MaxValue)
    {
        Http1Protocol protocol = new(TimeSpan.FromSeconds(60));
        ProtocolSession session = protocol.Rent();
        session.Attach(Connection.Create(new Endpoint(0, 1, 1), new Endpoint(0, 2, 80), _fromStart), observer);
        StreamFeeder feeder = new(session);
        long now = TransactionRecorder.EpochNs;
        int sent = 0;
        bool isClosed = false;
        foreach (Event step in _events)
        {
            now += 1_000_000;
            long peer = step.Ack ?? feeder.Position(step.Side.Other());
            switch (step.Kind)
            {
                case Kind.Data:
                    int length = Math.Min(step.Bytes.Length, limit - sent);
                    Send(feeder, step, length, now, peer, sent, splitAt);
                    sent += length;
                    break;
                case Kind.Gap or Kind.Cut:
                    feeder.Gap(step.Side, step.Number, now, peer, passed: step.Kind == Kind.Cut);
                    break;
                case Kind.End:
                    feeder.End(step.Side, now, peer);
                    break;
                case Kind.Wait:
                    now += step.Number * 1_000_000_000;
                    session.OnTick(now);
                    break;
                case Kind.Close:
                    session.OnClose((EndReason)step.Number, now);
                    isClosed = true;
                    break;
            }
            if (sent >= limit && limit < ByteCount)
            {
                break;
            }
        }
        if (!isClosed)
        {
            session.OnClose(EndReason.CaptureEnded, now);
        }
        protocol.Return(session);
        return feeder;
    }

    private static void Send(StreamFeeder feeder, Event step, int length, long now, long peer, int sent, Func<int, bool> splitAt)
    {
        int from = 0;
        for (int i = 1; i < length; i++)
        {
            if (splitAt(sent + i))
            {
                feeder.Data(step.Side, step.Bytes.AsSpan(from, i - from), now, peer);
                from = i;
            }
        }
        if (length > from)
        {
            feeder.Data(step.Side, step.Bytes.AsSpan(from, length - from), now, peer);
        }
    }

    private void Add(string line)
    {
        int quote = line.IndexOf('"', StringComparison.Ordinal);
        string[] words = (quote < 0 ? line : line[..quote]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words[0])
        {
            case "join":
                _fromStart = false;
                return;
            case "wait":
                _events.Add(new Event(Kind.Wait, Side.A, [], Number(words[1])));
                return;
            case "close":
                _events.Add(new Event(Kind.Close, Side.A, [], (int)Enum.Parse<EndReason>(words[1], ignoreCase: true)));
                return;
        }
        Side side = Enum.Parse<Side>(words[0]);
        if (quote < 0)
        {
            _events.Add(words[1] switch
            {
                "end" => new Event(Kind.End, side, [], 0),
                "cut" => new Event(Kind.Cut, side, [], Number(words[2])),
                _ => new Event(Kind.Gap, side, [], Number(words[2])),
            });
            return;
        }
        byte[] bytes = Unescape(line[(quote + 1)..^1]);
        long? ack = null;
        foreach (string word in words.AsSpan(1))
        {
            if (word.StartsWith("ack=", StringComparison.Ordinal))
            {
                ack = Number(word[4..]);
            }
            else
            {
                bytes = [.. Enumerable.Repeat(bytes, (int)Number(word[1..])).SelectMany(each => each)];
            }
        }
        ByteCount += bytes.Length;
        _events.Add(new Event(Kind.Data, side, bytes, 0) { Ack = ack });
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static byte[] Unescape(string text)
    {
        List<byte> bytes = [];
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
                continue;
            }
            i++;
            switch (text[i])
            {
                case 'x':
                    bytes.Add(byte.Parse(text.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                    i += 2;
                    break;
                case char letter:
                    bytes.Add((byte)(letter switch { 'r' => '\r', 'n' => '\n', 't' => '\t', _ => letter }));
                    break;
            }
        }
        return [.. bytes];
    }

    private static string FindFolder()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "protocols", "http1", "testcases");
            if (Directory.Exists(path))
            {
                return path;
            }
        }
        throw new DirectoryNotFoundException("protocols/http1/testcases is not above " + AppContext.BaseDirectory);
    }

    private sealed record Event(Kind Kind, Side Side, byte[] Bytes, long Number)
    {
        public long? Ack { get; init; }
    }
}
