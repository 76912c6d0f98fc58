using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Core.Red;

/// <summary>What each byte means in a path segment, as counters of eight bits that add up over a segment of at most 64 bytes.</summary>
internal static class RouteBytes
{
    /// <summary>Weights from here on end a segment.</summary>
    public const ulong End = 1UL << 56;

    private const ulong DigitOne = 1;
    private const ulong HexLetterOne = 1UL << 8;
    private const ulong LetterOne = 1UL << 16;
    private const ulong SeparatorOne = 1UL << 24;
    private const ulong SpecialOne = 1UL << 32;
    private const ulong UnprintableOne = 1UL << 40;

    private static readonly ulong[] Table = BuildTable();

    /// <summary>The weight of a byte. The table has an entry for each value, so no bound needs a check.</summary>
    public static ulong Weight(byte b) => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Table), b);

    public static int Digits(ulong sums) => (byte)sums;

    public static int HexLetters(ulong sums) => (byte)(sums >> 8);

    public static int OtherLetters(ulong sums) => (byte)(sums >> 16);

    /// <summary>Printable bytes that split a segment into parts.</summary>
    public static int Separators(ulong sums) => (byte)(sums >> 24);

    /// <summary>True when '@', '%', ';' or bytes that are not printable occur.</summary>
    public static bool NeedsCare(ulong sums) => sums >= SpecialOne;

    public static bool HasUnprintable(ulong sums) => sums >= UnprintableOne;

    /// <summary>The sums of a run of at most 64 bytes without a terminator.</summary>
    public static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        ulong sums = 0;
        foreach (byte b in bytes)
        {
            sums += Weight(b);
        }
        return sums;
    }

    public static bool IsDigit(byte b) => Weight(b) == DigitOne;

    public static bool IsLetter(byte b) => Weight(b) is HexLetterOne or LetterOne;

    public static bool IsHex(byte b) => Weight(b) is DigitOne or HexLetterOne;

    private static ulong[] BuildTable()
    {
        ulong[] table = new ulong[256];
        for (int b = 0; b < table.Length; b++)
        {
            table[b] = (char)b switch
            {
                '/' or '?' or '#' => End,
                '@' or '%' or ';' => SpecialOne,
                >= '0' and <= '9' => DigitOne,
                (>= 'a' and <= 'f') or (>= 'A' and <= 'F') => HexLetterOne,
                (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') => LetterOne,
                > ' ' and < '\x7f' => SeparatorOne,
                _ => UnprintableOne,
            };
        }
        return table;
    }
}
