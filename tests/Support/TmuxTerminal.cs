using System.Diagnostics;

namespace KubeBpfBox.Support;

/// <summary>A real terminal without a person: tmux keeps the screen, takes keys, and tells what is seen. A shell runs in it.</summary>
/// <remarks>Lifetime: <see cref="Dispose"/> closes the terminal and ends its server, a process of ours with a socket of its own.</remarks>
public sealed class TmuxTerminal : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly TemporaryFolder _folder = new();
    private readonly string _tmux = AptPackages.Require("tmux", "tmux");
    private readonly ChildProcess _server;

    /// <summary>Opens a terminal.</summary>
    /// <param name="columns">Its width.</param>
    /// <param name="rows">Its height.</param>
    public TmuxTerminal(int columns = 80, int rows = 24)
    {
        // In the foreground, so that it is a child that can be ended by its id.
        _server = ChildProcess.Start(_tmux, "-D", "-S", SocketPath, "-f", "/dev/null");
        try
        {
            _server.WaitUntil(() => File.Exists(SocketPath), "socket", s_patience);
            // A runner of tests may have set NO_COLOR for itself.
            Tell("new-session", "-d", "-x", $"{columns}", "-y", $"{rows}", "env -u NO_COLOR PS1='ready> ' bash --norc --noprofile");
            Tell("pipe-pane", "-O", $"cat > {BytesPath}");
            WaitFor("ready>");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What is seen: the rows, without spaces at their ends.</summary>
    public string Screen => Tell("capture-pane", "-p");

    /// <summary>True while a program uses the alternate screen.</summary>
    public bool IsAlternate => Ask("#{alternate_on}") == "1";

    /// <summary>True while the cursor is shown.</summary>
    public bool HasCursor => Ask("#{cursor_flag}") == "1";

    /// <summary>Every byte that programs wrote to the terminal so far.</summary>
    public string Bytes => File.Exists(BytesPath) ? File.ReadAllText(BytesPath) : string.Empty;

    private string SocketPath => _folder.PathOf("tmux");

    private string BytesPath => _folder.PathOf("bytes");

    /// <summary>A file for the shell and the test.</summary>
    public string PathOf(string name) => _folder.PathOf(name);

    /// <summary>Types text, character by character.</summary>
    public void Type(string text) => Tell("send-keys", "-l", text);

    /// <summary>Presses keys by tmux's names: Enter, Down, C-c, …</summary>
    public void Press(params string[] keys) => Tell(["send-keys", .. keys]);

    /// <summary>Runs a command line in the shell.</summary>
    public void Run(string command)
    {
        Type(command);
        Press("Enter");
    }

    /// <summary>Makes it larger or smaller, as a person would the window.</summary>
    public void Resize(int columns, int rows) => Tell("resize-window", "-x", $"{columns}", "-y", $"{rows}");

    /// <summary>Waits until a text is seen.</summary>
    /// <exception cref="TimeoutException">It is not; the message has what is.</exception>
    public void WaitFor(string text) => WaitUntil(screen => screen.Contains(text, StringComparison.Ordinal), text);

    /// <summary>Waits until programs have written some bytes.</summary>
    /// <exception cref="TimeoutException">They have not; the message has what is seen.</exception>
    public void WaitForBytes(string bytes) => WaitUntil(_ => Bytes.Contains(bytes, StringComparison.Ordinal), bytes);

    /// <summary>Waits until the screen is as wanted.</summary>
    /// <exception cref="TimeoutException">It is not; the message has what is seen.</exception>
    public void WaitUntil(Func<string, bool> condition, string what)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string screen;
        while (!condition(screen = Screen))
        {
            if (watch.Elapsed > s_patience)
            {
                throw new TimeoutException($"no '{what}' on the terminal within {s_patience.TotalSeconds} s:\n{screen}");
            }
            Thread.Sleep(20);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    private string Ask(string format) => Tell("display-message", "-p", format).Trim();

    private string Tell(params IEnumerable<string> command) => ChildProcess.Run(_tmux, ["-S", SocketPath, .. command]);
}
