using System.Globalization;
using System.Text;

namespace KubeBpfBox.Agent.Top;

/// <summary>Turns screens into what is to be written: only the lines that changed, in one piece, so that nothing flickers and a slow line is spared.</summary>
internal sealed class ScreenWriter
{
    private readonly StringBuilder _text = new();
    private IReadOnlyList<string> _shown = [];
    private int _width;

    /// <summary>Forgets what is on the screen: all is written next time.</summary>
    public void Forget() => _shown = [];

    /// <summary>What to write so that the screen shows these lines; empty when it does already.</summary>
    /// <param name="lines">One for each row of the screen.</param>
    /// <param name="width">Columns of the screen.</param>
    public string Update(IReadOnlyList<string> lines, int width)
    {
        _text.Clear();
        bool isNew = lines.Count != _shown.Count || width != _width;
        if (isNew)
        {
            _text.Append("\e[2J");
        }
        for (int row = 0; row < lines.Count; row++)
        {
            if (isNew || lines[row] != _shown[row])
            {
                // Erased first: at the last column, some terminals would take the last character along.
                _text.Append(CultureInfo.InvariantCulture, $"\e[{row + 1};1H\e[2K{lines[row]}");
            }
        }
        (_shown, _width) = (lines, width);
        // Terminals that know synchronized output show the whole at once; the others ignore the two marks.
        return _text.Length == 0 ? string.Empty : $"\e[?2026h{_text}\e[?2026l";
    }
}
