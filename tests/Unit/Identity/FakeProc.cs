using System.Net;
using System.Text;

namespace KubeBpfBox.Unit.Identity;

/// <summary>A folder that looks like /proc, removed when disposed.</summary>
internal sealed class FakeProc : IDisposable
{
    public const string Heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    public string Root { get; } = Directory.CreateTempSubdirectory("kubebpfbox-proc-").FullName;

    public string AddProcess(int processId, string comm, uint networkNamespace, string cgroup = "0::/\n")
    {
        string folder = Path.Combine(Root, processId.ToString());
        Directory.CreateDirectory(Path.Combine(folder, "ns"));
        Directory.CreateDirectory(Path.Combine(folder, "fd"));
        Directory.CreateDirectory(Path.Combine(folder, "net"));
        File.WriteAllText(Path.Combine(folder, "comm"), comm + "\n");
        File.WriteAllText(Path.Combine(folder, "cgroup"), cgroup);
        File.CreateSymbolicLink(Path.Combine(folder, "ns/net"), $"net:[{networkNamespace}]");
        return folder;
    }

    public void RemoveProcess(int processId) => Directory.Delete(Path.Combine(Root, processId.ToString()), recursive: true);

    public void AddSocket(int processId, int descriptor, ulong inode) => AddLink(processId, descriptor, $"socket:[{inode}]");

    public void AddLink(int processId, int descriptor, string target) =>
        File.CreateSymbolicLink(Path.Combine(Root, processId.ToString(), "fd", descriptor.ToString()), target);

    public void SetTcp(int processId, params string[] lines) => Write(processId, "tcp", lines);

    public void SetTcp6(int processId, params string[] lines) => Write(processId, "tcp6", lines);

    /// <summary>A line as the kernel of this machine would print it.</summary>
    public static string Line(string local, string remote, bool listens, ulong inode) =>
        $"   0: {Hex(local)} {Hex(remote)} {(listens ? "0A" : "01")} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 000000006d791153 100 0 0 10 0";

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static string Hex(string endpoint)
    {
        IPEndPoint parsed = IPEndPoint.Parse(endpoint);
        byte[] address = parsed.Address.GetAddressBytes();
        StringBuilder text = new();
        for (int at = 0; at < address.Length; at += 4)
        {
            text.Append(BitConverter.ToUInt32(address, at).ToString("X8"));
        }
        return text.Append(':').Append(parsed.Port.ToString("X4")).ToString();
    }

    private void Write(int processId, string file, string[] lines) =>
        File.WriteAllText(Path.Combine(Root, processId.ToString(), "net", file), Heading + string.Concat(lines.Select(static line => line + "\n")));
}

/// <summary>A clock that goes only when told, or by a step each time it is read.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long _nowMs = 1_000_000;

    public long StepMs { get; set; }

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => Interlocked.Add(ref _nowMs, StepMs);

    public void Advance(long milliseconds) => Interlocked.Add(ref _nowMs, milliseconds);
}
