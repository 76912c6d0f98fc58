using System.Text;
using KubeBpfBox.Agent.Kubernetes.Watching;

namespace KubeBpfBox.Unit.Kubernetes;

public sealed class WatchStreamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1 << 20)]
    public async Task Lines_come_whole_however_the_stream_is_cut(int pieceBytes)
    {
        string huge = new('h', 5000);
        string most = new('m', 1000);
        string text = $"one\n\n{huge}\n{most}\nthree\n{huge}{huge}\nfour\nunfinished";
        using LineReader lines = new(new PiecesStream(Encoding.ASCII.GetBytes(text), pieceBytes), 1000);
        List<string> seen = [];
        LineStatus status;
        while ((status = await lines.ReadAsync(TestContext.Current.CancellationToken)) != LineStatus.End)
        {
            seen.Add(status == LineStatus.TooLong ? "(too long)" : Encoding.ASCII.GetString(lines.Line.Span));
        }
        Assert.Equal(["one", "", "(too long)", most, "three", "(too long)", "four"], seen);
    }

    [Fact]
    public async Task The_buffer_grows_for_large_lines_up_to_the_limit()
    {
        byte[] text = new byte[(3 << 20) + 10];
        Array.Fill(text, (byte)'x');
        text[1 << 20] = text[3 << 20] = (byte)'\n';
        using LineReader lines = new(new PiecesStream(text, 100_000), 1 << 20);
        Assert.Equal(LineStatus.Line, await lines.ReadAsync(TestContext.Current.CancellationToken));
        Assert.Equal(1 << 20, lines.Line.Length);
        Assert.Equal(LineStatus.TooLong, await lines.ReadAsync(TestContext.Current.CancellationToken));
        Assert.Equal(LineStatus.End, await lines.ReadAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("""{"type":"ADDED","object":{"a":{}}}""", nameof(WatchKind.Added), """{"a":{}}""")]
    [InlineData("""{"object": {"a":[1,{}]} ,"type":"DELETED","x":[{}]}""", nameof(WatchKind.Deleted), """{"a":[1,{}]}""")]
    [InlineData("""{"type":"BOOKMARK","object":{}}""", nameof(WatchKind.Bookmark), "{}")]
    [InlineData("""{"type":"SOMETHING","object":{}}""", nameof(WatchKind.Other), "{}")]
    public void Takes_a_line_apart(string line, string expected, string expectedObject)
    {
        Assert.True(WatchLine.TryRead(Encoding.UTF8.GetBytes(line), out WatchKind kind, out ReadOnlySpan<byte> found));
        Assert.Equal(expected, kind.ToString());
        Assert.Equal(expectedObject, Encoding.UTF8.GetString(found));
    }

    [Fact]
    public void Nothing_but_a_whole_line_is_taken()
    {
        byte[] line = """{"type":"ADDED","object":{"a":{}}}"""u8.ToArray();
        for (int length = 0; length < line.Length; length++)
        {
            Assert.False(WatchLine.TryRead(line.AsSpan(0, length), out _, out _));
        }
        foreach (string other in (string[])["[]", "null", "{\"type\":\"ADDED\"}", "{\"object\":{}}", "{\"type\":\"ADDED\",\"object\":[]}", "{\"type\":\"ADDED\",\"object\":{}}{", "\xff"])
        {
            Assert.False(WatchLine.TryRead(Encoding.Latin1.GetBytes(other), out _, out _), other);
        }
    }

    [Fact]
    public void Waits_double_up_to_the_longest_and_begin_anew()
    {
        Backoff backoff = new(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(30));
        double[] expected = [0.5, 1, 2, 4, 8, 16];
        foreach (double seconds in expected)
        {
            Assert.InRange(backoff.Next().TotalSeconds, seconds * 0.75, seconds * 1.25);
        }
        for (int i = 0; i < 100; i++)
        {
            Assert.InRange(backoff.Next().TotalSeconds, 15, 30);
        }
        backoff.Reset();
        Assert.InRange(backoff.Next().TotalSeconds, 0.375, 0.625);
    }

    /// <summary>Gives no more than some bytes at once.</summary>
    private sealed class PiecesStream(byte[] content, int pieceBytes) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, pieceBytes)], cancellationToken);
    }
}
