using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

/// <summary>How much a line of libbpf's log matters (enum libbpf_print_level).</summary>
public enum LibbpfLogLevel
{
    /// <summary>Something failed; the line is also put into the exception that follows.</summary>
    Warning = 0,

    /// <summary>A remark.</summary>
    Information = 1,

    /// <summary>Each step of loading and relocating: thousands of lines.</summary>
    Debug = 2,
}

/// <summary>What libbpf prints, caught instead of going to standard error.</summary>
/// <remarks>
/// Quiet unless <see cref="Sink"/> is set; warnings are kept per thread while an operation runs and end up in its exception.
/// Threads: the sink is called on the thread that called libbpf, perhaps on several at a time. What it throws is swallowed, because
/// there are only C frames above it.
/// </remarks>
public static unsafe class LibbpfLog
{
    // The longest lines carry a verifier log, but those go to a buffer of our own (see BpfObject.Load).
    private const int MaxLineBytes = 4096;
    private const int MaxCaptured = 32;

    [ThreadStatic]
    private static List<string>? t_captured;

    /// <summary>Gets each line, without its line break. Null: none.</summary>
    public static Action<LibbpfLogLevel, string>? Sink { get; set; }

    /// <summary>Lines above this level are not even formatted.</summary>
    public static LibbpfLogLevel Level { get; set; } = LibbpfLogLevel.Information;

    /// <summary>Starts collecting this thread's warnings, forgetting older ones.</summary>
    internal static void StartCapture() => (t_captured ??= []).Clear();

    /// <summary>The warnings since <see cref="StartCapture"/>, oldest first.</summary>
    internal static IReadOnlyList<string> Captured => t_captured ?? [];

    [UnmanagedCallersOnly]
    internal static int Receive(int level, byte* format, void* arguments)
    {
        try
        {
            LibbpfLogLevel kind = (LibbpfLogLevel)level;
            Action<LibbpfLogLevel, string>? sink = kind <= Level ? Sink : null;
            if (sink is null && kind != LibbpfLogLevel.Warning)
            {
                return 0;
            }
            // A va_list can be walked once only. On x86-64 (an array) and arm64 (a large struct) it is passed as a pointer.
            byte* line = stackalloc byte[MaxLineBytes];
            int length = Libc.vsnprintf(line, MaxLineBytes, format, arguments);
            string text = Encoding.UTF8.GetString(line, Math.Clamp(length, 0, MaxLineBytes - 1)).TrimEnd('\n');
            if (kind == LibbpfLogLevel.Warning && t_captured is { Count: < MaxCaptured } captured)
            {
                captured.Add(text);
            }
            sink?.Invoke(kind, text);
        }
#pragma warning disable CA1031 // An exception must not unwind into C frames.
        catch (Exception)
#pragma warning restore CA1031
        {
            return -1;
        }
        return 0;
    }
}
