using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Support;

/// <summary>A named network namespace of our own: traffic inside it reaches nothing else.</summary>
/// <remarks>
/// Names are kbb-PID-N. Lifetime: <see cref="Dispose"/> ends what still runs inside and removes it; what a killed run left is removed when the next
/// one makes its first namespace.
/// </remarks>
public sealed class NetworkNamespace : IDisposable
{
    internal const string Folder = "/run/netns";
    private static int s_count;
    private readonly bool _isOurs = true;
    private bool _disposed;

    /// <summary>Makes a namespace with its loopback up.</summary>
    public NetworkNamespace()
    {
        AptPackages.Require("ip", "iproute2");
        Leftovers.Remove();
        Name = $"{Leftovers.Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
        ChildProcess.Run("ip", "netns", "add", Name);
        try
        {
            Ip("link", "set", "lo", "up");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private NetworkNamespace(string name)
    {
        Name = name;
        _isOurs = false;
    }

    /// <summary>Its name, as ip-netns(8) knows it.</summary>
    public string Name { get; }

    /// <summary>Its file.</summary>
    public string FilePath => Path.Combine(Folder, Name);

    /// <summary>The number by which the kernel names it.</summary>
    public uint Inode => uint.Parse(ChildProcess.Run("stat", "-L", "-c", "%i", FilePath), CultureInfo.InvariantCulture);

    /// <summary>One that somebody else made and keeps.</summary>
    public static NetworkNamespace Existing(string name) => new(name);

    /// <summary>Runs ip(8) on this namespace.</summary>
    public void Ip(params IEnumerable<string> arguments) => ChildProcess.Run("ip", [.. (string[])["-n", Name], .. arguments]);

    /// <summary>Sets a value below /proc/sys/net of this namespace.</summary>
    /// <param name="key">Such as "ipv4/tcp_fastopen".</param>
    /// <param name="value">What is written.</param>
    public void Sysctl(string key, string value) => Enter(() => File.WriteAllText($"/proc/sys/net/{key}", value));

    /// <summary>Starts a program inside.</summary>
    public ChildProcess Start(string program, params IEnumerable<string> arguments) =>
        // ip replaces itself with the program, so the id is the program's.
        ChildProcess.Start("ip", [.. (string[])["netns", "exec", Name, program], .. arguments]);

    /// <summary>Runs a program inside to its end.</summary>
    public string Run(string program, params IEnumerable<string> arguments) =>
        ChildProcess.Run("ip", [.. (string[])["netns", "exec", Name, program], .. arguments]);

    /// <summary>Runs code on a thread that is inside. A socket made there stays inside wherever it is used.</summary>
    public T Enter<T>(Func<T> function)
    {
        T result = default!;
        Enter(() => { result = function(); });
        return result;
    }

    /// <summary>Runs code on a thread that is inside.</summary>
    public void Enter(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                Join();
                action();
            }
#pragma warning disable CA1031 // Passed on to the caller's thread.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { Name = Name };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed && _isOurs)
        {
            _disposed = true;
            Leftovers.RemoveNamespace(Name);
        }
    }

    private void Join()
    {
        int fd = Libc.open(FilePath, Libc.ReadOnly);
        int result = Libc.setns(fd, Libc.CloneNewNet);
        string message = Marshal.GetLastPInvokeErrorMessage();
        _ = Libc.close(fd);
        if (result != 0)
        {
            throw new InvalidOperationException($"enter network namespace {Name}: {message}");
        }
    }
}
