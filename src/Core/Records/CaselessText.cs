using System.Numerics;

namespace KubeBpfBox.Core.Records;

/// <summary>A text that is looked for in others; ASCII letters count without regard to case, everything else as it is.</summary>
/// <remarks>Lifetime: built once, then only read; a search allocates nothing.</remarks>
internal sealed class CaselessText
{
    private readonly byte[] _utf8;
    private readonly string _lower;

    /// <param name="text">Not empty.</param>
    public CaselessText(string text)
    {
        Text = text;
        _lower = string.Create(text.Length, text, static (lower, text) =>
        {
            for (int i = 0; i < text.Length; i++)
            {
                lower[i] = Lower(text[i]);
            }
        });
        _utf8 = System.Text.Encoding.UTF8.GetBytes(_lower);
    }

    /// <summary>As it was given.</summary>
    public string Text { get; }

    /// <summary>Whether UTF-8, or any bytes, have it in them.</summary>
    public bool IsIn(ReadOnlySpan<byte> bytes) => IsIn(bytes, _utf8);

    /// <summary>Whether a text has it in it; null has nothing in it.</summary>
    public bool IsIn(string? text) => IsIn(text.AsSpan(), _lower.AsSpan());

    private static bool IsIn<T>(ReadOnlySpan<T> text, ReadOnlySpan<T> lower)
        where T : unmanaged, IBinaryInteger<T>
    {
        (T first, T upper) = (lower[0], Upper(lower[0]));
        while (text.Length >= lower.Length)
        {
            int at = text[..(text.Length - lower.Length + 1)].IndexOfAny(first, upper);
            if (at < 0)
            {
                return false;
            }
            text = text[at..];
            int same = 1;
            while (same < lower.Length && Lower(text[same]) == lower[same])
            {
                same++;
            }
            if (same == lower.Length)
            {
                return true;
            }
            text = text[1..];
        }
        return false;
    }

    private static T Lower<T>(T one)
        where T : unmanaged, IBinaryInteger<T> => one >= T.CreateTruncating('A') && one <= T.CreateTruncating('Z') ? one | T.CreateTruncating(0x20) : one;

    private static T Upper<T>(T one)
        where T : unmanaged, IBinaryInteger<T> => one >= T.CreateTruncating('a') && one <= T.CreateTruncating('z') ? one ^ T.CreateTruncating(0x20) : one;
}
