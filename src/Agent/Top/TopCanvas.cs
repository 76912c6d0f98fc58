using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace KubeBpfBox.Agent.Top;

/// <summary>Turns what Spectre.Console draws into lines of text with the sequences that the terminal understands.</summary>
/// <remarks>Nothing is asked of the environment or the terminal: what they can do is told.</remarks>
internal sealed class TopCanvas
{
    private readonly StringBuilder _text = new();
    private readonly bool _isTerminal;
    private readonly IAnsiConsole _console;

    /// <summary>Makes a canvas.</summary>
    /// <param name="isTerminal">Bold and reversed text may be used.</param>
    /// <param name="hasColors">And colours.</param>
    public TopCanvas(bool isTerminal, bool hasColors)
    {
        _isTerminal = isTerminal;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            // Without it, Spectre would style through System.Console, which looks for a home directory and terminfo: a container's image has neither.
            Ansi = AnsiSupport.Yes,
            ColorSystem = hasColors ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
            Out = new AnsiConsoleOutput(new StringWriter(_text)),
        });
        _console.Profile.Capabilities.Unicode = true;
    }

    /// <summary>Draws.</summary>
    /// <param name="what">Anything of Spectre's, no wider than <paramref name="width"/>.</param>
    /// <param name="width">Columns.</param>
    public IReadOnlyList<string> Draw(IRenderable what, int width)
    {
        _console.Profile.Width = width;
        _console.Profile.Height = 1;
        _text.Clear();
        if (_isTerminal)
        {
            _console.Write(what);
        }
        else
        {
            _text.AppendJoin(string.Empty, what.Render(RenderOptions.Create(_console), width).Select(static segment => segment.Text));
        }
        string[] lines = _text.ToString().Split('\n');
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }

    /// <summary>Draws pieces beside each other in one line; what does not fit is cut off.</summary>
    public string DrawLine(int width, params IEnumerable<(string Text, Style Style)> pieces)
    {
        Paragraph line = new();
        int left = width;
        foreach ((string text, Style style) in pieces)
        {
            string fitting = TopText.Cut(text, left);
            left -= fitting.Length;
            if (fitting.Length > 0)
            {
                line.Append(fitting, style);
            }
        }
        return Draw(line, width).FirstOrDefault(string.Empty);
    }
}
