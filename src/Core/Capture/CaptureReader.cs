using System.Buffers.Binary;
using System.IO.Compression;

namespace KubeBpfBox.Core.Capture;

/// <summary>Reads the packets of a pcap or pcapng file, plain or compressed by gzip.</summary>
/// <remarks>
/// Errors: opening throws <see cref="CaptureFormatException"/>; reading never throws, whatever the bytes: it ends, and
/// <see cref="Truncation"/> says why. Lifetime: a packet's bytes end with the next read. Memory: one buffer, of 64 KiB for ordinary
/// packets; nothing is allocated for a packet.
/// </remarks>
public sealed class CaptureReader : IDisposable
{
    private const string Expected = "pcap or pcapng expected (plain or gzip)";

    private readonly CaptureBuffer _buffer;
    private readonly CaptureFormat _format;

    private CaptureReader(CaptureBuffer buffer, CaptureFormat format, string name)
    {
        _buffer = buffer;
        _format = format;
        Name = name;
    }

    /// <summary>The file's name, as in messages.</summary>
    public string Name { get; }

    /// <summary>Packets read so far.</summary>
    public long PacketCount { get; private set; }

    /// <summary>
    /// Why the packets ended before the file's proper end, ready to be shown: the file is cut off or damaged at a byte offset. Null while
    /// reading and when the file ended as it should.
    /// </summary>
    public string? Truncation { get; private set; }

    /// <summary>Opens a file.</summary>
    /// <exception cref="CaptureFormatException">The file cannot be opened, or is no capture.</exception>
    public static CaptureReader Open(string path)
    {
        FileStream file;
        try
        {
            // No buffer of its own: CaptureBuffer is one.
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CaptureFormatException($"{path}: no such file", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            string why = Directory.Exists(path) ? $"is a folder; {Expected}" : $"cannot be opened: {e.Message}";
            throw new CaptureFormatException($"{path}: {why}", e);
        }
        return Open(file, path);
    }

    /// <summary>Reads from a stream and disposes of it at the end.</summary>
    /// <param name="stream">A stream at the start of a capture. Compressed data needs one that can seek.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="CaptureFormatException">The data are no capture.</exception>
    public static CaptureReader Open(Stream stream, string name)
    {
        CaptureBuffer buffer = new(stream);
        try
        {
            ReadOnlySpan<byte> start = buffer.PeekUpTo(2);
            if (start is [0x1F, 0x8B])
            {
                if (!stream.CanSeek)
                {
                    throw new CaptureFormatException($"{name}: compressed data from a pipe; decompress it before, as with gzip -dc");
                }
                stream.Position = 0;
                buffer = new CaptureBuffer(new GZipStream(stream, CompressionMode.Decompress));
            }
            CaptureFormat format = FormatOf(buffer, name);
            return format.Damage is null ? new CaptureReader(buffer, format, name) : throw new CaptureFormatException($"{name}: {format.Damage}");
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>The next packet; false at the end, see <see cref="Truncation"/>.</summary>
    public bool TryRead(out CapturedPacket packet)
    {
        if (Truncation is null && _format.TryRead(out packet))
        {
            PacketCount++;
            return true;
        }
        if (Truncation is null && _format.Damage is { } damage)
        {
            Truncation = $"{Name}: {damage}; the {PacketCount} packets before it were read";
        }
        packet = default;
        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => _buffer.Dispose();

    private static CaptureFormat FormatOf(CaptureBuffer buffer, string name)
    {
        ReadOnlySpan<byte> start = buffer.PeekUpTo(4);
        if (start.Length < 4)
        {
            string why = buffer.ReadError is { } error ? $"cannot be read: {error}" : start.IsEmpty ? "empty" : $"only {start.Length} bytes";
            throw new CaptureFormatException($"{name}: {why}; {Expected}");
        }
        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(start);
        uint swapped = BinaryPrimitives.ReverseEndianness(magic);
        return magic switch
        {
            PcapNgFormat.SectionHeader => new PcapNgFormat(buffer),
            PcapFormat.MagicMicroseconds or PcapFormat.MagicNanoseconds => new PcapFormat(buffer, false, magic == PcapFormat.MagicNanoseconds),
            _ when swapped is PcapFormat.MagicMicroseconds or PcapFormat.MagicNanoseconds =>
                new PcapFormat(buffer, true, swapped == PcapFormat.MagicNanoseconds),
            _ => throw new CaptureFormatException(
                $"{name}: not a capture file: starts with {start[0]:x2} {start[1]:x2} {start[2]:x2} {start[3]:x2} at byte 0; {Expected}"),
        };
    }
}
