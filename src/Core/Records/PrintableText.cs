using System.Text;

namespace KubeBpfBox.Core.Records;

/// <summary>Names that outsiders chose, made safe to print on a terminal or in a log line.</summary>
public static class PrintableText
{
    /// <summary>UTF-8 as text: control characters become "?", broken bytes U+FFFD.</summary>
    public static string Decode(ReadOnlySpan<byte> name) => string.Create(Encoding.UTF8.GetCharCount(name), name, static (text, bytes) =>
    {
        Encoding.UTF8.GetChars(bytes, text);
        foreach (ref char character in text)
        {
            character = char.IsControl(character) ? '?' : character;
        }
    });
}
