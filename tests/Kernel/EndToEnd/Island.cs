using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>A cgroup of our own with nginx inside. An agent that watches it sees only what <see cref="Inside"/> makes, whatever else the machine does.</summary>
internal sealed class Island : IDisposable
{
    private readonly TestCgroup _cgroup = new();

    public Island()
    {
        Port = TcpPort.Free();
        try
        {
            Nginx = Inside(() => new NginxServer(null, Port));
        }
        catch
        {
            _cgroup.Dispose();
            throw;
        }
    }

    public string CgroupPath => _cgroup.FolderPath;

    public NginxServer Nginx { get; }

    /// <summary>nginx's port.</summary>
    public int Port { get; }

    /// <summary>Does something with the test's process inside the watched cgroup: sockets and processes made then belong to it.</summary>
    public T Inside<T>(Func<T> function)
    {
        _cgroup.Enter();
        try
        {
            return function();
        }
        finally
        {
            _cgroup.Leave();
        }
    }

    /// <summary>wrk at full speed.</summary>
    public void Flood(string target, int connections, int seconds) =>
        Inside(() => ChildProcess.Run(AptPackages.Require("wrk", "wrk"), "-t1", $"-c{connections}", $"-d{seconds}", $"http://127.0.0.1:{Port}{target}"));

    public void Dispose()
    {
        Nginx.Dispose();
        _cgroup.Dispose();
    }
}
