using Spectre.Console;

namespace KubeBpfBox.Agent.Top;

/// <summary>How things look. No meaning hangs on a colour alone: figures and words say the same.</summary>
internal static class TopStyles
{
    public static readonly Style Plain = Style.Plain;
    public static readonly Style Strong = new(decoration: Decoration.Bold);
    public static readonly Style Faint = new(decoration: Decoration.Dim);
    public static readonly Style Head = new(decoration: Decoration.Bold | Decoration.Underline);
    public static readonly Style Selected = new(decoration: Decoration.Invert);
    public static readonly Style Error = new(Color.Maroon, decoration: Decoration.Bold);
    public static readonly Style Warning = new(Color.Olive, decoration: Decoration.Bold);
    public static readonly Style Spark = new(Color.Teal);
}
