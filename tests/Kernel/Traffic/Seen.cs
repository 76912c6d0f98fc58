using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Kernel.Traffic;

/// <summary>What the tap and the stream engine told of one connection. Read it under the fixture's gate.</summary>
internal sealed class Seen(Endpoint local, Endpoint remote, bool fromStart, Workload workload)
{
    private readonly List<(long Offset, byte[] Bytes)>[] _data = [[], []];
    private readonly List<(long Offset, long Length)>[] _gaps = [[], []];
    private readonly long[] _ends = [-1, -1];

    public Endpoint Local => local;
    public Endpoint Remote => remote;
    public bool FromStart => fromStart;
    public Workload Workload => workload;
    public EndReason? Closed { get; set; }

    public void AddData(Side side, long offset, ReadOnlySpan<byte> bytes) => _data[(int)side].Add((offset, bytes.ToArray()));

    public void AddGap(Side side, long offset, long length) => _gaps[(int)side].Add((offset, length));

    public void SetEnd(Side side, long offset) => _ends[(int)side] = offset;

    /// <summary>Length of the side's stream, or -1 before its FIN.</summary>
    public long EndOf(Side side) => _ends[(int)side];

    public IReadOnlyList<(long Offset, byte[] Bytes)> DataOf(Side side) => _data[(int)side];

    public IReadOnlyList<(long Offset, long Length)> GapsOf(Side side) => _gaps[(int)side];

    /// <summary>The side's bytes when none is missing.</summary>
    public byte[] Bytes(Side side)
    {
        Assert.Empty(_gaps[(int)side]);
        return [.. _data[(int)side].SelectMany(static one => one.Bytes)];
    }

    public long Count(Side side) => _data[(int)side].Sum(static one => (long)one.Bytes.Length);

    /// <summary>Checks that data and gaps follow one another from 0 to the end without hole or overlap, and that the data is what was sent.</summary>
    /// <returns>How many bytes were in gaps.</returns>
    public long AssertCovers(Side side, ReadOnlySpan<byte> sent)
    {
        IEnumerable<(long Offset, long Length, byte[]? Bytes)> parts = _data[(int)side].Select(static one => (one.Offset, (long)one.Bytes.Length, (byte[]?)one.Bytes))
            .Concat(_gaps[(int)side].Select(static one => (one.Offset, one.Length, (byte[]?)null)))
            .OrderBy(static one => one.Offset);
        long next = 0, lost = 0;
        foreach ((long offset, long length, byte[]? bytes) in parts)
        {
            Assert.Equal(next, offset);
            if (bytes is null)
            {
                lost += length;
            }
            else
            {
                Assert.True(sent.Slice((int)offset, (int)length).SequenceEqual(bytes), $"other bytes than sent at {offset}");
            }
            next = offset + length;
        }
        Assert.Equal(sent.Length, next);
        return lost;
    }
}
