namespace KubeBpfBox.Core.Export;

/// <summary>Writes into a piece of memory, and only notes when there is no room.</summary>
/// <remarks>What deflate makes of bytes that cannot be compressed is longer than they are, by how much depends on its version.</remarks>
internal sealed class BoundedStream(Memory<byte> into) : Stream
{
    /// <summary>Not all found room.</summary>
    public bool IsOver { get; private set; }

    /// <inheritdoc/>
    public override long Position { get; set; }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => Position;

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        IsOver |= buffer.Length > into.Length - Position;
        if (!IsOver)
        {
            buffer.CopyTo(into.Span[(int)Position..]);
            Position += buffer.Length;
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
