using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace KubeBpfBox.Core.Export;

/// <summary>One file of the spool: records of one kind, written at its end, read from its start.</summary>
/// <remarks>
/// Shape: "KBSPOOL\n", version (u32, little-endian), kind (u8), three zeros; then records (<see cref="SpoolRecord"/>).
/// Errors: those of the disk (<see cref="IOException"/>, <see cref="UnauthorizedAccessException"/>); damage is a result.
/// Threads: one at a time.
/// </remarks>
internal sealed class SpoolSegment : IDisposable
{
    /// <summary>Bytes before the first record.</summary>
    public const int HeadBytes = 16;

    private const uint Version = 1;

    // Source: errno(3).
    private const int InputOutputError = 5;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path;
    private FileStream? _file;
    private SafeFileHandle? _handle;
    private long _readOffset = HeadBytes;

    private SpoolSegment(string path)
    {
        _path = path;
    }

    /// <summary>Bytes on disk.</summary>
    public long Length { get; private set; } = HeadBytes;

    /// <summary>Items of the records that wait, but for one that was taken.</summary>
    public long Items { get; set; }

    /// <summary>Its file was deleted.</summary>
    public bool IsGone { get; private set; }

    private static ReadOnlySpan<byte> Magic => "KBSPOOL\n"u8;

    private SafeFileHandle Handle => _handle ?? OpenFile(FileMode.Open);

    /// <summary>Makes the file of a new one.</summary>
    public static SpoolSegment Create(string path, ExportKind kind)
    {
        SpoolSegment segment = new(path);
        Span<byte> head = stackalloc byte[HeadBytes];
        WriteHead(head, kind);
        SafeFileHandle handle = segment.OpenFile(FileMode.CreateNew);
        try
        {
            RandomAccess.Write(handle, head, 0);
            return segment;
        }
        catch (IOException)
        {
            segment.TryDelete(); // on a full disk, files without a byte would pile up
            throw;
        }
    }

    /// <summary>Opens one of an earlier process, and cuts off what was not written to its end.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="kind">Its kind, by its name.</param>
    /// <param name="cutBytes">How many bytes were cut off.</param>
    /// <returns>Null when it is none of ours.</returns>
    public static SpoolSegment? Recover(string path, ExportKind kind, out long cutBytes)
    {
        SpoolSegment segment = new(path);
        cutBytes = 0;
        try
        {
            long fileLength = RandomAccess.GetLength(segment.Handle);
            Span<byte> head = stackalloc byte[HeadBytes];
            Span<byte> expected = stackalloc byte[HeadBytes];
            WriteHead(expected, kind);
            int read = ReadAt(segment.Handle, head, 0);
            if (!head[..read].SequenceEqual(expected[..read]))
            {
                return null;
            }
            // One that was killed while it wrote the head is as good as empty.
            segment.Length = read < HeadBytes ? read : segment.Walk(fileLength);
            cutBytes = fileLength - segment.Length;
            if (cutBytes > 0)
            {
                RandomAccess.SetLength(segment.Handle, segment.Length);
            }
            return segment;
        }
        finally
        {
            segment.Dispose();
        }
    }

    /// <summary>Writes a record at the end.</summary>
    /// <returns>Where it lies.</returns>
    public long Append(ReadOnlySpan<byte> record, int items)
    {
        long offset = Length;
        RandomAccess.Write(Handle, record, offset);
        Length += record.Length;
        Items += items;
        return offset;
    }

    /// <summary>Looks at the oldest record that waits.</summary>
    /// <param name="offset">Where it lies.</param>
    /// <param name="record">Its head.</param>
    /// <returns>False when there is none, or when what follows is damaged: then <see cref="Items"/> says how many are lost.</returns>
    public bool TryPeek(out long offset, out SpoolRecord record)
    {
        while (_readOffset < Length)
        {
            if (!TryReadRecord(_readOffset, Length, out record))
            {
                break;
            }
            if (!record.IsSettled)
            {
                offset = _readOffset;
                return true;
            }
            _readOffset += record.TotalBytes;
        }
        offset = 0;
        record = default;
        return false;
    }

    /// <summary>Reads the payload of a record.</summary>
    /// <returns>False when it is damaged.</returns>
    public bool TryReadPayload(long offset, SpoolRecord record, out byte[] payload)
    {
        payload = [];
        byte[] stored = GC.AllocateUninitializedArray<byte>(record.StoredLength);
        try
        {
            return ReadAt(Handle, stored, offset + SpoolRecord.HeadBytes) == stored.Length && SpoolCodec.TryDecode(record, stored, out payload);
        }
        catch (IOException)
        {
            return false; // its head was read just now: it is this place of the disk
        }
    }

    /// <summary>Marks a record: it is not to be sent (again).</summary>
    public void Settle(long offset) => RandomAccess.Write(Handle, [1], offset + SpoolRecord.StateOffset);

    /// <summary>Passes over a record, also when it cannot be marked.</summary>
    public void PassOver(long offset, long bytes)
    {
        if (offset == _readOffset)
        {
            _readOffset += bytes;
        }
    }

    /// <summary>Nothing in it waits.</summary>
    public bool IsDrained => _readOffset >= Length;

    /// <summary>Cuts off what a failed write left. Only for tidiness: the next record is written there anyway.</summary>
    public void TryCutTail()
    {
        try
        {
            RandomAccess.SetLength(Handle, Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk is no better than before.
        }
    }

    /// <summary>Closes the file; it is opened again when it is needed.</summary>
    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
        _handle = null;
    }

    /// <summary>Deletes the file. One that cannot be deleted is found by the next process, and sent twice rather than not at all.</summary>
    public void TryDelete()
    {
        IsGone = true;
        Dispose();
        try
        {
            File.Delete(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next write to this disk tells.
        }
    }

    // Length of what is whole; counts what waits.
    private long Walk(long fileLength)
    {
        long offset = HeadBytes;
        while (TryReadRecord(offset, fileLength, out SpoolRecord record))
        {
            // A kill tears the last record only; others are checked when they are sent.
            bool isLast = offset + record.TotalBytes == fileLength;
            if (isLast && !record.IsSettled && !TryReadPayload(offset, record, out _))
            {
                break;
            }
            Items += record.IsSettled ? 0 : record.Items;
            offset += record.TotalBytes;
        }
        return offset;
    }

    private bool TryReadRecord(long offset, long end, out SpoolRecord record)
    {
        Span<byte> head = stackalloc byte[SpoolRecord.HeadBytes];
        try
        {
            int read = ReadAt(Handle, head, offset);
            return SpoolRecord.TryRead(head[..read], out record) && offset + record.TotalBytes <= end;
        }
        // Somebody deleted the file, or this place of the disk is gone (EIO); any other error may pass.
        catch (IOException e) when (e is FileNotFoundException || e.HResult == InputOutputError)
        {
            record = default;
            return false;
        }
    }

    private SafeFileHandle OpenFile(FileMode mode)
    {
        // FileStream, because File.OpenHandle cannot say who may read a new file.
        FileStreamOptions options = new() { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.Read, BufferSize = 0 };
        if (mode == FileMode.CreateNew)
        {
            options.UnixCreateMode = OwnerOnly;
        }
        _file = new FileStream(_path, options);
        return _handle = _file.SafeFileHandle; // once: each call of the property asks the kernel for the position
    }

    private static void WriteHead(Span<byte> head, ExportKind kind)
    {
        head.Clear();
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], Version);
        head[12] = (byte)kind;
    }

    private static int ReadAt(SafeFileHandle handle, Span<byte> into, long offset)
    {
        int read = 0;
        int got;
        while (read < into.Length && (got = RandomAccess.Read(handle, into[read..], offset + read)) > 0)
        {
            read += got;
        }
        return read;
    }
}
