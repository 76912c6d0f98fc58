using System.Runtime.InteropServices;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>A process name as the kernel keeps it, as a value: a dictionary key that needs no string.</summary>
/// <remarks>Shape: 16 bytes, padded with NUL (TASK_COMM_LEN in include/linux/sched.h); the name ends at the first NUL or newline.</remarks>
public readonly record struct CommName(ulong First, ulong Second)
{
    /// <summary>Bytes of the longest name.</summary>
    public const int MaxLength = 16;

    /// <summary>True when no name was given.</summary>
    public bool IsEmpty => First == 0 && Second == 0;

    /// <summary>Reads a name from the kernel's array or from "/proc/&lt;pid&gt;/comm"; what is longer than a name is cut.</summary>
    public static CommName From(ReadOnlySpan<byte> name)
    {
        int end = name.IndexOfAny((byte)0, (byte)'\n');
        if (end >= 0)
        {
            name = name[..end];
        }
        Span<byte> padded = stackalloc byte[MaxLength];
        padded.Clear();
        name[..Math.Min(name.Length, MaxLength)].CopyTo(padded);
        return new CommName(MemoryMarshal.Read<ulong>(padded), MemoryMarshal.Read<ulong>(padded[8..]));
    }

    /// <summary>The name as text. A process may call itself anything: see <see cref="PrintableText"/>.</summary>
    public override string ToString()
    {
        Span<byte> padded = stackalloc byte[MaxLength];
        MemoryMarshal.Write(padded, First);
        MemoryMarshal.Write(padded[8..], Second);
        int length = padded.IndexOf((byte)0);
        return PrintableText.Decode(length < 0 ? padded : padded[..length]);
    }
}
