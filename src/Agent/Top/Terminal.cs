using System.Runtime.InteropServices;
using System.Text;
using KubeBpfBox.Agent.Identity;

namespace KubeBpfBox.Agent.Top;

/// <summary>The terminal that a program has for itself: keys one by one, an alternate screen, and both given back however it ends.</summary>
/// <remarks>
/// Needs no terminfo and no shell: the sequences are those of ECMA-48 and xterm, which every terminal of today understands.
/// Lifetime: from <see cref="Enter"/> until <see cref="Leave"/> the terminal is ours; <see cref="Leave"/> may be called at any time, by any thread, more than once.
/// </remarks>
internal sealed partial class Terminal : IDisposable
{
    private const int InputDescriptor = 0;
    private const int OutputDescriptor = 1;
    private const int ApplyNow = 0;
    private const int ApplyAndForgetInput = 2;
    private const int StopGroupSignal = 20;
    private const int StopTakesMs = 100;
    private const nuint WindowSizeRequest = 0x5413;

    // Larger than any termios.
    private const int ModeBytes = 256;

    // Alternate screen, no cursor, no wrapping at the right edge; and the reverse.
    private static readonly byte[] s_enter = "\e[?1049h\e[?25l\e[?7l\e[2J"u8.ToArray();
    private static readonly byte[] s_leave = "\e[0m\e[?7h\e[?1049l\e[?25h"u8.ToArray();

    private readonly StandardOutput _output = new();
    private readonly Lock _lock = new();
    private readonly byte[] _savedMode = new byte[ModeBytes];
    private readonly byte[] _rawMode = new byte[ModeBytes];
    private bool _isOurs;

    public Terminal() => AppDomain.CurrentDomain.UnhandledException += LeaveAtCrash;

    /// <summary>Columns and rows; 80 and 24 when the terminal does not say.</summary>
    public static (int Width, int Height) Size => Control(OutputDescriptor, WindowSizeRequest, out WindowSize size) == 0 && size is { Columns: > 0, Rows: > 0 } ? (size.Columns, size.Rows) : (80, 24);

    /// <summary>Takes the terminal.</summary>
    /// <exception cref="AgentException">There is none.</exception>
    public void Enter()
    {
        lock (_lock)
        {
            if (_isOurs)
            {
                return;
            }
            if (GetMode(InputDescriptor, _savedMode) != 0)
            {
                throw new AgentException($"standard input: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
            }
            _savedMode.CopyTo(_rawMode, 0);
            MakeRaw(_rawMode);
            _isOurs = true;
            Take();
        }
    }

    /// <summary>Takes it again after the process was stopped from outside and goes on: the shell may have changed it meanwhile.</summary>
    public void Retake()
    {
        lock (_lock)
        {
            if (_isOurs)
            {
                Take();
            }
        }
    }

    /// <summary>Gives the terminal back as it was.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (!_isOurs)
            {
                return;
            }
            _isOurs = false;
            try
            {
                _ = _output.TryWrite(s_leave);
            }
            catch (AgentException)
            {
                // The terminal was closed: nobody is left to see it.
            }
            _ = SetMode(InputDescriptor, ApplyAndForgetInput, _savedMode);
        }
    }

    /// <summary>Stops the process as Ctrl-Z does, and takes the terminal again when it goes on.</summary>
    public void Suspend()
    {
        Leave();
        // The whole group, as the terminal itself would; where nobody could let it go on (no shell), the kernel does not stop it.
        _ = Kill(0, StopGroupSignal);
        // Another thread may be the one that takes the signal: this one must not run on before it is stopped, too.
        Thread.Sleep(StopTakesMs);
        Enter();
    }

    /// <summary>Writes; false when nobody reads any more.</summary>
    public bool TryWrite(string text)
    {
        try
        {
            return _output.TryWrite(Encoding.UTF8.GetBytes(text));
        }
        catch (AgentException)
        {
            return false;
        }
    }

    /// <summary>Waits for keys and reads what is there.</summary>
    /// <returns>Bytes read; 0 when none came in time; -1 when the terminal is gone.</returns>
    public static int Read(Span<byte> buffer, int timeoutMs)
    {
        short state = DescriptorPoll.Wait(InputDescriptor, DescriptorPoll.Readable, timeoutMs);
        if ((state & DescriptorPoll.Readable) == 0)
        {
            return (state & (DescriptorPoll.Error | DescriptorPoll.HungUp)) == 0 ? 0 : -1;
        }
        int count = Libc.Read(InputDescriptor, buffer);
        return count > 0 ? count : -1;
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.UnhandledException -= LeaveAtCrash;
        Leave();
        _output.Dispose();
    }

    private void Take()
    {
        _ = SetMode(InputDescriptor, ApplyNow, _rawMode);
        _ = _output.TryWrite(s_enter);
    }

    private void LeaveAtCrash(object sender, UnhandledExceptionEventArgs e) => Leave();

    [LibraryImport("libc", EntryPoint = "tcgetattr", SetLastError = true)]
    private static partial int GetMode(int descriptor, Span<byte> mode);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetMode(int descriptor, int when, ReadOnlySpan<byte> mode);

    [LibraryImport("libc", EntryPoint = "cfmakeraw")]
    private static partial void MakeRaw(Span<byte> mode);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Control(int descriptor, nuint request, out WindowSize size);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    /// <summary>struct winsize of ioctl_tty(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort WidthPixels;
        public ushort HeightPixels;
    }
}
