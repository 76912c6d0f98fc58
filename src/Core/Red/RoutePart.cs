using System.Buffers;

namespace KubeBpfBox.Core.Red;

/// <summary>Judges a run of letters and digits: a word with a number in it ("sha256", "v2beta1"), or a value ("3f2a9c1b", "01H8XGJ...").</summary>
internal static class RoutePart
{
    /// <summary>So many hexadecimal letters without a digit are no word.</summary>
    public const int MinWordlessHexBytes = 16;

    /// <summary>So many hexadecimal digits with a decimal one among them are a hash.</summary>
    public const int MinHashBytes = 8;

    private const int UuidBytesLength = 36;
    private static readonly SearchValues<byte> PodAlphabet = SearchValues.Create("bcdfghjklmnpqrstvwxz2456789"u8);

    /// <summary>Whether a part is one of many values.</summary>
    /// <param name="part">Letters and digits, at least one.</param>
    /// <param name="isKeyed">Whether it stands behind '=', ':' or '(', where every number is a value.</param>
    /// <param name="isNumber">Whether it is all digits.</param>
    public static bool IsValue(ReadOnlySpan<byte> part, bool isKeyed, out bool isNumber)
    {
        ulong sums = RouteBytes.Sum(part);
        int digits = RouteBytes.Digits(sums);
        isNumber = digits == part.Length;
        if (isNumber)
        {
            // One or two digits are as often a name's end ("us-east-1", "1.2.3") and bounded anyway.
            return isKeyed || digits >= 3;
        }
        bool isHex = RouteBytes.OtherLetters(sums) == 0;
        if (digits == 0)
        {
            return isHex && part.Length >= MinWordlessHexBytes;
        }
        return (isHex && part.Length >= MinHashBytes) || (!IsVersion(part) && IsMixedValue(part, digits, isHex));
    }

    /// <summary>"v1", "v2beta1", "V1alpha2", "v1p1beta1".</summary>
    private static bool IsVersion(ReadOnlySpan<byte> part)
    {
        if ((part[0] | 0x20) != (byte)'v' || part.Length > 10 || !RouteBytes.IsDigit(part[1]))
        {
            return false;
        }
        int digitsInRun = 0;
        int lettersInRun = 0;
        foreach (byte b in part[1..])
        {
            (digitsInRun, lettersInRun) = RouteBytes.IsDigit(b) ? (digitsInRun + 1, 0) : (0, lettersInRun + 1);
            if (digitsInRun > 3 || lettersInRun > 5)
            {
                return false;
            }
        }
        return part[2..].IndexOf("alpha"u8) >= 0 || part[2..].IndexOf("beta"u8) >= 0 || part[2..].IndexOf("rc"u8) >= 0 || part.Length <= 4;
    }

    /// <summary>Letters and digits mixed: names change between the two once or twice, random tokens all the time.</summary>
    private static bool IsMixedValue(ReadOnlySpan<byte> part, int digits, bool isHex)
    {
        int changes = 0;
        int consonants = 0;
        int mostConsonants = 0;
        bool startsWithDigit = RouteBytes.IsDigit(part[0]);
        bool wasDigit = startsWithDigit;
        foreach (byte b in part)
        {
            bool isDigit = RouteBytes.IsDigit(b);
            changes += isDigit != wasDigit ? 1 : 0;
            wasDigit = isDigit;
            consonants = isDigit ? consonants : IsVowel(b) ? 0 : consonants + 1;
            mostConsonants = Math.Max(mostConsonants, consonants);
        }
        // Digits amid letters that nobody can pronounce; abbreviations ("md5checksum", "utf8mb4") stay below.
        bool isGibberish = changes >= 2 && part.Length >= 8 && mostConsonants >= (part.Length >= 12 ? 5 : 6);
        bool isShortHash = isHex && changes >= 2 && digits >= 2 && part.Length >= 6;
        bool isLongToken = part.Length >= 20 && (digits >= 4 || changes >= 3);
        return isGibberish || isShortHash || isLongToken || IsShuffledCase(part) || IsOddMix(part.Length, digits, changes, startsWithDigit, part.Contains((byte)'x'));
    }

    private static bool IsOddMix(int length, int digits, int changes, bool startsWithDigit, bool hasX) => changes switch
    {
        // "es2015", "sha256", "utf8", "base64"; not "user123", "order12345".
        1 when !startsWithDigit => digits > 2 && !(length - digits <= 3 && digits <= 4),
        // "1080p", "30days", "2fa".
        1 => digits > 3 && !(digits == 4 && length <= 6),
        // "sha256sum", "oauth2callback"
        2 when !startsWithDigit => digits > 3,
        // "1920x1080", "2024q1"
        2 => digits > 3 && !(length - digits == 1 && hasX),
        // "utf8mb4", "ipv4toipv6"
        3 => digits >= 3 && length >= 8,
        _ => length >= 5,
    };

    /// <summary>Whether letters turn case more often than words do: camelCase does at about a third of its letters, base62 at half.</summary>
    public static bool IsShuffledCase(ReadOnlySpan<byte> text)
    {
        if (text.Length < 8)
        {
            return false;
        }
        int turns = 0;
        for (int i = 1; i < text.Length; i++)
        {
            turns += ((text[i] ^ text[i - 1]) & 0x20) != 0 && RouteBytes.IsLetter(text[i]) && RouteBytes.IsLetter(text[i - 1]) ? 1 : 0;
        }
        return turns * 8 >= text.Length * 3;
    }

    /// <summary>What Kubernetes puts behind the last '-' of a pod's name: five of 27 letters and digits without vowels, with a digit amid them.</summary>
    /// <remarks>Source: k8s.io/apimachinery/pkg/util/rand, alphanums.</remarks>
    public static bool IsPodSuffix(ReadOnlySpan<byte> part) => part.Length == 5 && !part.ContainsAnyExcept(PodAlphabet)
        && part[..4].IndexOfAnyInRange((byte)'0', (byte)'9') >= 0;

    private static bool IsVowel(byte b) => (b | 0x20) is 'a' or 'e' or 'i' or 'o' or 'u' or 'y';

    /// <summary>The length of a UUID at the start (RFC 9562 section 4: 8-4-4-4-12 hexadecimal digits), else 0.</summary>
    public static int UuidBytes(ReadOnlySpan<byte> text)
    {
        if (text.Length < UuidBytesLength || text[8] != (byte)'-')
        {
            return 0;
        }
        for (int i = 0; i < UuidBytesLength; i++)
        {
            if (i is 8 or 13 or 18 or 23 ? text[i] != (byte)'-' : !RouteBytes.IsHex(text[i]))
            {
                return 0;
            }
        }
        return UuidBytesLength;
    }

    /// <summary>The length of a date at the start ("2024-01-31", "2024.01", "2024_01_31T10:00:00Z"; RFC 3339 section 5.6), else 0.</summary>
    public static int DateBytes(ReadOnlySpan<byte> text)
    {
        if (text.Length < 7 || text[4] is not ((byte)'-' or (byte)'.' or (byte)'_')
            || !(text.StartsWith("19"u8) || text.StartsWith("20"u8)) || !IsTwoDigits(text, 2, 99) || !IsTwoDigits(text, 5, 12))
        {
            return 0;
        }
        int length = text.Length >= 10 && text[7] == text[4] && IsTwoDigits(text, 8, 31) ? 10 : 7;
        if (length == text.Length || !(RouteBytes.IsDigit(text[length]) || RouteBytes.IsLetter(text[length])))
        {
            return length;
        }
        if (length == 7 || text[length] is not ((byte)'T' or (byte)'t'))
        {
            return 0;
        }
        // Whatever time notation follows belongs to it.
        for (length++; length < text.Length && (RouteBytes.IsDigit(text[length]) || text[length] is (byte)':' or (byte)'.' or (byte)'Z' or (byte)'z' or (byte)'+' or (byte)'-');)
        {
            length++;
        }
        return length;
    }

    private static bool IsTwoDigits(ReadOnlySpan<byte> text, int at, int max) =>
        RouteBytes.IsDigit(text[at]) && RouteBytes.IsDigit(text[at + 1]) && ((text[at] - '0') * 10) + text[at + 1] - '0' <= max;
}
