using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KubeBpfBox.Support;

/// <summary>A process that we started: its output, and its end by its own id.</summary>
/// <remarks>Lifetime: <see cref="Dispose"/> ends the process. Output is captured while it runs, up to <see cref="MaxCapturedChars"/> each.</remarks>
public sealed class ChildProcess : IDisposable
{
    /// <summary>What is kept of standard output and of standard error.</summary>
    public const int MaxCapturedChars = 4 * 1024 * 1024;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly object _gate = new();

    private ChildProcess(Process process, string description, Action<string>? onLine)
    {
        _process = process;
        Description = description;
        Id = process.Id;
        process.OutputDataReceived += (_, line) =>
        {
            if (onLine is null)
            {
                Keep(_output, line.Data);
            }
            else if (line.Data is not null)
            {
                onLine(line.Data);
            }
        };
        process.ErrorDataReceived += (_, line) => Keep(_errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The command line, for messages.</summary>
    public string Description { get; }

    /// <summary>Process id.</summary>
    public int Id { get; }

    /// <summary>True once it ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Its exit code; valid once it ended. 128 + signal when a signal ended it.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Standard output so far.</summary>
    public string Output
    {
        get
        {
            lock (_gate)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Standard error so far.</summary>
    public string Errors
    {
        get
        {
            lock (_gate)
            {
                return _errors.ToString();
            }
        }
    }

    /// <summary>Starts a program.</summary>
    public static ChildProcess Start(string program, params IEnumerable<string> arguments) => Start(null, program, arguments);

    /// <summary>Starts a program whose standard output may be longer than what is kept.</summary>
    /// <param name="onLine">Gets each line of it, on another thread; <see cref="Output"/> stays empty. Null to keep it.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ChildProcess Start(Action<string>? onLine, string program, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"'{program}' did not start");
        return new ChildProcess(process, $"{program} {string.Join(' ', start.ArgumentList)}", onLine);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its standard output.</returns>
    /// <exception cref="InvalidOperationException">It failed, or did not end in time; the message has what it wrote.</exception>
    public static string Run(string program, params IEnumerable<string> arguments)
    {
        using ChildProcess child = Start(program, arguments);
        child.WaitForExit(TimeSpan.FromSeconds(60));
        return child.ExitCode == 0 ? child.Output : throw new InvalidOperationException($"'{child.Description}' exited with {child.ExitCode}: {child.Errors}{child.Output}");
    }

    /// <summary>Waits for the end and for the last of the output.</summary>
    /// <exception cref="TimeoutException">It still runs.</exception>
    public void WaitForExit(TimeSpan limit)
    {
        if (!_process.WaitForExit(limit))
        {
            throw new TimeoutException($"'{Description}' still runs after {limit.TotalSeconds} s: {Errors}");
        }
        _process.WaitForExit(); // the overload without a time also waits for the readers
    }

    /// <summary>Waits for a line on standard output or standard error that contains a text.</summary>
    /// <exception cref="TimeoutException">It did not come.</exception>
    public void WaitForText(string text, TimeSpan limit) =>
        WaitUntil(() => Output.Contains(text, StringComparison.Ordinal) || Errors.Contains(text, StringComparison.Ordinal), $"the text '{text}'", limit);

    /// <summary>Waits until somebody listens on a port of this network namespace.</summary>
    /// <exception cref="TimeoutException">Nobody did.</exception>
    public void WaitForPort(IPEndPoint address, TimeSpan limit) =>
        WaitUntil(() => CanConnect(address), $"a listener on {address}", limit);

    /// <summary>Polls a condition while the process lives.</summary>
    /// <exception cref="TimeoutException">It did not become true.</exception>
    /// <exception cref="InvalidOperationException">The process ended first.</exception>
    public void WaitUntil(Func<bool> condition, string what, TimeSpan limit)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (HasExited)
            {
                throw new InvalidOperationException($"'{Description}' ended with {ExitCode} before {what}: {Errors}{Output}");
            }
            if (watch.Elapsed > limit)
            {
                throw new TimeoutException($"no {what} of '{Description}' within {limit.TotalSeconds} s: {Errors}{Output}");
            }
            Thread.Sleep(10);
        }
    }

    /// <summary>Sends a signal.</summary>
    public void Signal(int number)
    {
        if (!_process.HasExited)
        {
            _ = Libc.kill(Id, number);
        }
    }

    /// <summary>SIGTERM, and SIGKILL when that is not enough.</summary>
    public void Stop(TimeSpan? patience = null)
    {
        Signal(Libc.SigTerm);
        if (!_process.WaitForExit(patience ?? TimeSpan.FromSeconds(5)))
        {
            Signal(Libc.SigKill);
            _process.WaitForExit(TimeSpan.FromSeconds(5));
        }
    }

    /// <summary>User and system time used so far, from /proc; zero when it is gone.</summary>
    public TimeSpan CpuTime => ProcFiles.CpuTimeOf(Id);

    /// <summary>A number in kB of /proc/PID/status, such as "VmRSS"; 0 when it is gone.</summary>
    public long StatusKib(string field) => ProcFiles.StatusKib(Id, field);

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        _process.Dispose();
    }

    private static bool CanConnect(IPEndPoint address)
    {
        using Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(address);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Keep(StringBuilder kept, string? line)
    {
        if (line is null)
        {
            return;
        }
        lock (_gate)
        {
            if (kept.Length < MaxCapturedChars)
            {
                kept.Append(line).Append('\n');
            }
        }
    }
}
