using System.IO.Compression;

namespace KubeBpfBox.Core.Export;

/// <summary>Batches to bytes on disk and back.</summary>
/// <remarks>Threads: one at a time. Keeps one buffer, as large as the largest batch so far.</remarks>
internal sealed class SpoolCodec
{
    // Smaller ones do not win enough.
    private const int MinDeflatedBytes = 256;

    private byte[] _scratch = [];

    /// <summary>Makes head and payload of a batch.</summary>
    /// <returns>Valid until the next call.</returns>
    public ReadOnlySpan<byte> Encode(ExportBatch batch)
    {
        ReadOnlySpan<byte> payload = batch.Payload.Span;
        int needed = SpoolRecord.HeadBytes + payload.Length;
        if (_scratch.Length < needed)
        {
            _scratch = GC.AllocateUninitializedArray<byte>(needed);
        }
        bool isDeflated = TryDeflate(payload, out int stored);
        if (!isDeflated)
        {
            stored = payload.Length;
            payload.CopyTo(_scratch.AsSpan(SpoolRecord.HeadBytes));
        }
        uint crc = SpoolRecord.Crc32C(_scratch.AsSpan(SpoolRecord.HeadBytes, stored));
        new SpoolRecord(stored, payload.Length, batch.Items, batch.OldestNs, crc, isDeflated, IsSettled: false).Write(_scratch);
        return _scratch.AsSpan(0, SpoolRecord.HeadBytes + stored);
    }

    /// <summary>Makes the payload of a batch from what is on disk.</summary>
    /// <returns>False when it is damaged.</returns>
    public static bool TryDecode(SpoolRecord record, byte[] stored, out byte[] payload)
    {
        payload = stored;
        if (SpoolRecord.Crc32C(stored) != record.PayloadCrc)
        {
            return false;
        }
        return record.IsDeflated ? TryInflate(stored, record.Length, out payload) : stored.Length == record.Length;
    }

    private bool TryDeflate(ReadOnlySpan<byte> payload, out int stored)
    {
        stored = 0;
        if (payload.Length < MinDeflatedBytes)
        {
            return false;
        }
        using BoundedStream into = new(_scratch.AsMemory(SpoolRecord.HeadBytes, payload.Length - 1));
        using (DeflateStream deflate = new(into, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflate.Write(payload);
        }
        stored = (int)into.Position;
        return !into.IsOver;
    }

    private static bool TryInflate(byte[] stored, int length, out byte[] payload)
    {
        payload = GC.AllocateUninitializedArray<byte>(length);
        try
        {
            using DeflateStream inflate = new(new MemoryStream(stored), CompressionMode.Decompress);
            return inflate.ReadAtLeast(payload, length, throwOnEndOfStream: false) == length && inflate.ReadByte() < 0;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}
