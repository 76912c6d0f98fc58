using System.Buffers;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Records;

/// <summary>A transaction as one line for people.</summary>
/// <remarks>
/// Shape: time of day in UTC, role, source -> destination, status, duration, request/response size, method, host and target, then what is
/// wrong or missing in parentheses. The field of free length stands last, so that the others align. An end is its pod's or
/// workload's name with the namespace before it, or its address when it is not known. Bytes of the wire are escaped (\xNN), so that a hostile target cannot steer a terminal or start a line of its
/// own. Allocates nothing.
/// </remarks>
public static class TransactionText
{
    private const int RoleWidth = 6;
    private const int StatusWidth = 3;
    private const int DurationWidth = 7;
    private const int SizesWidth = 13;
    private const int MethodWidth = 7;

    /// <summary>Appends one line.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="transaction">What.</param>
    /// <param name="ansi">Colours the status and the error for a terminal.</param>
    /// <param name="columns">Widths of both ends' columns; null for the least.</param>
    public static void Write(IBufferWriter<byte> output, in Transaction transaction, bool ansi = false, TransactionColumns? columns = null)
    {
        Utf8Sink sink = new(output);
        Connection connection = transaction.Connection;
        TimestampText.WriteTimeOfDay(ref sink, transaction.StartNs);
        sink.Byte((byte)' ');
        if (connection.RoleOf(transaction.ClientSide) is { } role)
        {
            sink.StartColumn();
            sink.TerminalText(role);
            sink.PadTo(RoleWidth);
            sink.Byte((byte)' ');
        }
        End(ref sink, connection, transaction.ClientSide, columns?.SourceWidth ?? TransactionColumns.LeastWidth);
        sink.Raw(" -> "u8);
        End(ref sink, connection, transaction.ClientSide.Other(), columns?.DestinationWidth ?? TransactionColumns.LeastWidth);
        sink.Byte((byte)' ');
        Status(ref sink, in transaction, ansi);
        sink.Byte((byte)' ');
        Duration(ref sink, transaction.DurationNs);
        sink.Byte((byte)' ');
        sink.StartColumn();
        Size(ref sink, transaction.RequestBytes);
        sink.Byte((byte)'/');
        Size(ref sink, transaction.ResponseBytes);
        sink.AlignRight(SizesWidth);
        sink.Byte((byte)' ');
        Request(ref sink, in transaction);
        Remarks(ref sink, in transaction, ansi);
        sink.Byte((byte)'\n');
        sink.Flush();
    }

    /// <summary>Characters of an end, where its names have nothing that is escaped.</summary>
    internal static int LengthOfEnd(Connection connection, Side side) => NamedAt(connection, side) is { } workload
        ? WorkloadText.LengthOf(workload, connection.EndOf(side))
        : WorkloadText.LengthOf(connection.EndOf(side));

    private static void End(ref Utf8Sink sink, Connection connection, Side side, int width)
    {
        sink.StartColumn();
        if (NamedAt(connection, side) is { } workload)
        {
            WorkloadText.Write(ref sink, workload, connection.EndOf(side));
        }
        else
        {
            sink.Endpoint(connection.EndOf(side));
        }
        sink.PadTo(width);
    }

    /// <summary>Who is named at an end; null when its address is shown.</summary>
    private static Workload? NamedAt(Connection connection, Side side) =>
        connection.WorkloadOf(side) is { } workload && (side == connection.ObservedAt || !ReferenceEquals(workload, Workload.Unknown)) ? workload : null;

    private static void Status(ref Utf8Sink sink, in Transaction transaction, bool ansi)
    {
        if (ansi)
        {
            sink.Raw((transaction.Status / 100) switch
            {
                1 or 3 => "\e[36m"u8,
                2 => "\e[32m"u8,
                4 => "\e[33m"u8,
                _ => "\e[1;31m"u8,
            });
        }
        sink.StartColumn();
        if (transaction.Status == 0)
        {
            sink.Byte((byte)'-');
        }
        else
        {
            sink.Number(transaction.Status);
        }
        sink.AlignRight(StatusWidth);
        if (ansi)
        {
            sink.Raw("\e[0m"u8);
        }
    }

    private static void Duration(ref Utf8Sink sink, long ns)
    {
        sink.StartColumn();
        int invisible = 0;
        switch (ns)
        {
            case < 0:
                sink.Byte((byte)'-');
                break;
            case < 1_000_000:
                Scaled(ref sink, ns, 1000);
                sink.Raw("µs"u8);
                invisible = 1;
                break;
            case < 1_000_000_000:
                Scaled(ref sink, ns, 1_000_000);
                sink.Raw("ms"u8);
                break;
            default:
                Scaled(ref sink, ns, 1_000_000_000);
                sink.Byte((byte)'s');
                break;
        }
        sink.AlignRight(DurationWidth, invisible);
    }

    private static void Size(ref Utf8Sink sink, long bytes)
    {
        switch (bytes)
        {
            case < 1000:
                sink.Number(bytes);
                sink.Byte((byte)'B');
                break;
            case < 1_000_000:
                Scaled(ref sink, bytes, 1000);
                sink.Raw("kB"u8);
                break;
            case < 1_000_000_000:
                Scaled(ref sink, bytes, 1_000_000);
                sink.Raw("MB"u8);
                break;
            default:
                Scaled(ref sink, bytes, 1_000_000_000);
                sink.Raw("GB"u8);
                break;
        }
    }

    // Three digits that count: 1.23, 12.3, 123; cut off, not rounded, so that 999.9 never reads 1000.
    private static void Scaled(ref Utf8Sink sink, long value, long unit)
    {
        (long whole, long rest) = Math.DivRem(value, unit);
        sink.Number(whole);
        if (whole < 100)
        {
            sink.Byte((byte)'.');
            sink.Digits((uint)(rest / (unit / (whole < 10 ? 100 : 10))), whole < 10 ? 2 : 1);
        }
    }

    private static void Request(ref Utf8Sink sink, in Transaction transaction)
    {
        sink.StartColumn();
        sink.TerminalText(transaction.Method.IsEmpty ? "-"u8 : transaction.Method);
        sink.PadTo(MethodWidth);
        sink.Byte((byte)' ');

        // An absolute target or an authority names the host itself.
        if (transaction.Target.IsEmpty || transaction.Target[0] is (byte)'/' or (byte)'*')
        {
            sink.TerminalText(transaction.Host);
        }
        sink.TerminalText(transaction.Target.IsEmpty ? "-"u8 : transaction.Target);
    }

    private static void Remarks(ref Utf8Sink sink, in Transaction transaction, bool ansi)
    {
        if (transaction.Error is { } error)
        {
            sink.Raw(ansi ? " \e[1;31m("u8 : " ("u8);
            sink.TerminalText(error);
            sink.Raw(ansi ? ")\e[0m"u8 : ")"u8);
        }
        if (transaction.Flags != TransactionFlags.None)
        {
            sink.Raw(" (incomplete)"u8);
        }
    }
}
