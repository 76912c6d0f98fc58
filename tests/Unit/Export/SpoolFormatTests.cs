using System.Text;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Export;

/// <summary>Files of the spool that were torn, damaged, or never ours.</summary>
public sealed class SpoolFormatTests : IDisposable
{
    private const string FileName = "log-0000000001.spool";

    private readonly TemporaryDirectory _directory = new();
    private readonly List<string> _told = [];
    private readonly Dictionary<DropReason, long> _dropped = [];
    private int _made;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Every_truncation_of_a_segment_leaves_the_batches_before_it()
    {
        byte[] whole = MakeSegment(out List<string> batches, out List<long> ends);
        for (int length = 0; length <= whole.Length; length++)
        {
            _told.Clear();
            List<string> found = OpenAndDrain(whole[..length]);
            int expected = ends.Count(end => end <= length);
            Assert.Equal(batches.Take(expected), found);
            bool isAtAnEnd = length <= SpoolSegment.HeadBytes || ends.Contains(length);
            Assert.Equal(isAtAnEnd ? 0 : 1, _told.Count);
        }
    }

    [Fact]
    public void Every_changed_byte_is_noticed()
    {
        byte[] whole = MakeSegment(out List<string> batches, out _);
        for (int i = 0; i < whole.Length; i++)
        {
            byte[] changed = [.. whole];
            changed[i] ^= 0x10;
            List<string> found = OpenAndDrain(changed);
            Assert.True(found.Count < batches.Count, $"byte {i}");
            Assert.Subset(batches.ToHashSet(), found.ToHashSet());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_bytes_are_stood(int seed)
    {
        Random random = new(seed);
        byte[] whole = MakeSegment(out List<string> batches, out _);
        HashSet<string> known = [.. batches];
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = new byte[random.Next(3000)];
            random.NextBytes(bytes);
            if (i % 3 > 0)
            {
                // Behind a good head, or good records moved about.
                int at = random.Next(i % 3 == 1 ? SpoolSegment.HeadBytes : 0, whole.Length);
                bytes = [.. whole[..at], .. bytes[..Math.Min(bytes.Length, random.Next(100))], .. whole[random.Next(whole.Length)..]];
            }
            Assert.Subset(known, OpenAndDrain(bytes).ToHashSet());
        }
    }

    [Fact]
    public void A_forged_record_cannot_make_it_allocate_or_read_beyond_the_file()
    {
        byte[] whole = MakeSegment(out _, out _);
        byte[] forged = new byte[SpoolRecord.HeadBytes + 100];
        foreach ((int stored, int length, bool isDeflated) in new[] { (int.MaxValue, 10, false), (100, SpoolRecord.MaxLength, true), (100, -1, true), (-36, 10, false), (100, 1000, false) })
        {
            uint crc = SpoolRecord.Crc32C(forged.AsSpan(SpoolRecord.HeadBytes));
            new SpoolRecord(stored, length, 1, 0, crc, isDeflated, IsSettled: false).Write(forged);
            Assert.Empty(OpenAndDrain([.. whole[..SpoolSegment.HeadBytes], .. forged]));
        }
    }

    [Fact]
    public void A_file_that_is_none_of_ours_is_put_aside_and_the_next_one_is_numbered_behind_it()
    {
        string path = Prepare("this is a letter to my aunt"u8.ToArray());
        File.WriteAllText(Path.Combine(path, "log-notanumber.spool"), "");
        Directory.CreateDirectory(Path.Combine(path, "log-0000000002.spool"));
        using Spool spool = Open(path);
        Assert.Contains("log.damaged", Assert.Single(_told), StringComparison.Ordinal);
        Assert.Equal("this is a letter to my aunt", File.ReadAllText(Path.Combine(path, "log.damaged")));
        Assert.Throws<IOException>(() => spool.TryAppend(Batch("x\n"), out _)); // a directory is in the way
        Assert.True(spool.TryAppend(Batch("x\n"), out _));
        Assert.Equal(1, spool.Items(ExportKind.Log));
        Assert.True(File.Exists(Path.Combine(path, "log-0000000003.spool")));
    }

    [Fact]
    public void A_newer_version_is_not_misread()
    {
        byte[] whole = MakeSegment(out _, out _);
        whole[8] = 2;
        Assert.Empty(OpenAndDrain(whole));
        Assert.Contains("no segment of this version", Assert.Single(_told), StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressible_batch_is_smaller_on_disk()
    {
        string path = Prepare(null);
        using Spool spool = Open(path);
        string text = string.Concat(Enumerable.Range(0, 1000).Select(static i => $"traffic,nodename=a,podname=b url=\"/items/{i}\",code=200i {i}\n"));
        Assert.True(spool.TryAppend(Batch(text), out _));
        Assert.InRange(spool.Bytes, 1, text.Length / 4);
        Assert.True(spool.TryTake(out ExportBatch batch, out _));
        Assert.Equal(text, Encoding.UTF8.GetString(batch.Payload.Span));
    }

    [Fact]
    public void A_batch_that_cannot_be_compressed_is_kept_as_it_is()
    {
        string path = Prepare(null);
        using Spool spool = Open(path);
        Random random = new(3);
        foreach (int length in (int[])[0, 1, 255, 256, 257, 1000, 65_536, 500_000])
        {
            byte[] noise = new byte[length];
            random.NextBytes(noise);
            Assert.True(spool.TryAppend(new ExportBatch(ExportKind.Events, 1, 1, noise), out SpoolTicket appended));
            Assert.Equal(SpoolRecord.HeadBytes + length, appended.Bytes);
            Assert.True(spool.TryTake(out ExportBatch batch, out SpoolTicket ticket));
            Assert.Equal(noise, batch.Payload.ToArray());
            Spool.Settle(ticket);
        }
    }

    // Small and large batches, compressed and not.
    private byte[] MakeSegment(out List<string> batches, out List<long> ends)
    {
        string path = Prepare(null);
        batches = [];
        ends = [];
        using (Spool spool = Open(path))
        {
            for (int i = 0; i < 5; i++)
            {
                byte[] noise = new byte[i * 40];
                new Random(i).NextBytes(noise);
                string text = $"batch {i} {(i == 2 ? new string('y', 500) : Convert.ToHexString(noise))}\n";
                batches.Add(text);
                Assert.True(spool.TryAppend(Batch(text), out SpoolTicket ticket));
                ends.Add(ticket.Offset + ticket.Bytes);
            }
        }
        byte[] whole = File.ReadAllBytes(Path.Combine(path, FileName));
        Assert.Equal(whole.Length, ends[^1]);
        return whole;
    }

    private List<string> OpenAndDrain(byte[] segment)
    {
        string path = Prepare(segment);
        List<string> found = [];
        using (Spool spool = Open(path))
        {
            long items = spool.Items(ExportKind.Log);
            _dropped.Clear();
            while (spool.TryTake(out ExportBatch batch, out SpoolTicket ticket))
            {
                found.Add(Encoding.UTF8.GetString(batch.Payload.Span));
                Spool.Settle(ticket);
            }
            Assert.Equal(items, found.Count + _dropped.GetValueOrDefault(DropReason.SpoolFailed));
            Assert.Equal(0, spool.Items(ExportKind.Log));
            Assert.Equal(0, spool.Bytes);
        }
        Directory.Delete(path, recursive: true);
        return found;
    }

    private string Prepare(byte[]? segment)
    {
        string path = _directory.File($"spool{_made++}");
        Directory.CreateDirectory(path);
        if (segment is not null)
        {
            File.WriteAllBytes(Path.Combine(path, FileName), segment);
        }
        return path;
    }

    private Spool Open(string path) => Spool.Open(path, 1 << 20, (_, reason, items) => _dropped[reason] = _dropped.GetValueOrDefault(reason) + items, _told.Add);

    private static ExportBatch Batch(string text) => new(ExportKind.Log, 1, 1, Encoding.UTF8.GetBytes(text));
}
