using System.Buffers;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Records;

/// <summary>The columns of both ends in the lines of one stream: as wide as the names that come, within bounds, so that the lines stand below each other.</summary>
/// <remarks>Columns only grow, some characters at a time: a stream soon has the widths that are usual for it, and keeps them. What is beyond the bound pushes its own line only.</remarks>
public sealed class TransactionColumns
{
    /// <summary>Room for an address and port of IPv4.</summary>
    public const int LeastWidth = 21;

    /// <summary>Room for a namespace and a pod of usual lengths.</summary>
    public const int MostWidth = 52;

    private const int GrowthStep = 4;

    private bool _isFitted;

    /// <summary>Characters of the client's column.</summary>
    public int SourceWidth { get; private set; } = LeastWidth;

    /// <summary>Characters of the server's column.</summary>
    public int DestinationWidth { get; private set; } = LeastWidth;

    /// <summary>Makes room for a transaction's ends.</summary>
    /// <returns>True when a head is due before its line: the columns are others now, or it is the first.</returns>
    public bool Fit(in Transaction transaction)
    {
        int source = Grown(SourceWidth, TransactionText.LengthOfEnd(transaction.Connection, transaction.ClientSide));
        int destination = Grown(DestinationWidth, TransactionText.LengthOfEnd(transaction.Connection, transaction.ClientSide.Other()));
        bool isHeadDue = !_isFitted || source != SourceWidth || destination != DestinationWidth;
        (SourceWidth, DestinationWidth, _isFitted) = (source, destination, true);
        return isHeadDue;
    }

    /// <summary>Appends the line of the columns' names.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="ansi">In bold, for a terminal.</param>
    public void WriteHead(IBufferWriter<byte> output, bool ansi = false)
    {
        Utf8Sink sink = new(output);
        sink.Raw(ansi ? "\e[1m"u8 : default);
        sink.Raw("TIME         ROLE   "u8);
        Name(ref sink, "CLIENT"u8, SourceWidth);
        sink.Raw("    "u8);
        Name(ref sink, "SERVER"u8, DestinationWidth);
        sink.Raw(" STA    TOOK REQ/RES BYTES METHOD  HOST AND TARGET"u8);
        sink.Raw(ansi ? "\e[0m\n"u8 : "\n"u8);
        sink.Flush();
    }

    private static int Grown(int width, int length) =>
        length <= width || length > MostWidth ? width : Math.Min(MostWidth, (length + GrowthStep - 1) / GrowthStep * GrowthStep);

    private static void Name(ref Utf8Sink sink, ReadOnlySpan<byte> name, int width)
    {
        sink.StartColumn();
        sink.Raw(name);
        sink.PadTo(width);
    }
}
