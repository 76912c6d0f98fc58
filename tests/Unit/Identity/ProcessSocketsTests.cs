using KubeBpfBox.Agent.Identity;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Unit.Identity;

public sealed class ProcessSocketsTests : IDisposable
{
    private const uint Net = 4026531840;
    private const uint OtherNet = 4026532999;

    private readonly FakeProc _proc = new();
    private readonly ManualTime _time = new();
    private readonly ProcessSockets _sockets;

    public ProcessSocketsTests() => _sockets = new ProcessSockets(_proc.Root, _time);

    public void Dispose() => _proc.Dispose();

    [Fact]
    public void A_server_is_found_by_its_listener_and_the_master_before_its_workers()
    {
        _proc.AddProcess(90, "nginx", Net);
        _proc.AddProcess(100, "nginx", Net);
        _proc.SetTcp(90, FakeProc.Line("0.0.0.0:80", "0.0.0.0:0", true, 500), FakeProc.Line("10.0.0.1:80", "10.0.0.2:999", false, 501));
        _proc.AddSocket(100, 6, 500);
        _proc.AddSocket(100, 7, 501);
        _proc.AddSocket(90, 6, 500);
        Assert.Equal((90, "nginx"), Find(Net, "10.0.0.1:80", "10.0.0.2:999"));
        Assert.Equal((90, "nginx"), Find(Net, "10.0.0.1:80", "10.0.0.3:1"));
        Assert.Equal(1, _sockets.Count);
        Assert.Equal(1, _sockets.Scans);
    }

    [Fact]
    public void Init_owns_only_what_nobody_else_holds()
    {
        _proc.AddProcess(1, "systemd", Net);
        _proc.AddProcess(4000, "sshd", Net);
        _proc.SetTcp(1, FakeProc.Line("0.0.0.0:22", "0.0.0.0:0", true, 1), FakeProc.Line("0.0.0.0:23", "0.0.0.0:0", true, 2));
        _proc.AddSocket(1, 3, 1);
        _proc.AddSocket(1, 4, 2);
        _proc.AddSocket(4000, 3, 1);
        Assert.Equal((4000, "sshd"), Find(Net, "10.0.0.1:22", "10.0.0.2:999"));
        Assert.Equal((1, "systemd"), Find(Net, "10.0.0.1:23", "10.0.0.2:999"));
    }

    [Fact]
    public void A_listener_of_the_very_address_comes_before_the_wildcard()
    {
        AddListeners(("any4", "0.0.0.0:80"), ("one", "127.0.0.1:80"), ("any6", "[::]:80"), ("one6", "[2001:db8::1]:80"));
        Assert.Equal("one", Find(Net, "127.0.0.1:80", "127.0.0.1:999").Name);
        Assert.Equal("any4", Find(Net, "10.0.0.1:80", "10.0.0.2:999").Name);
        Assert.Equal("one6", Find(Net, "[2001:db8::1]:80", "[::1]:999").Name);
        Assert.Equal("any6", Find(Net, "[::1]:80", "[::1]:999").Name);
    }

    [Fact]
    public void The_wildcard_of_IPv6_takes_IPv4_too()
    {
        AddListeners(("any6", "[::]:80"), ("other", "10.9.9.9:80"));
        Assert.Equal("any6", Find(Net, "10.0.0.1:80", "10.0.0.2:999").Name);
    }

    [Fact]
    public void Network_namespaces_have_ports_of_their_own()
    {
        _proc.AddProcess(10, "outer", Net);
        _proc.AddProcess(20, "inner", OtherNet);
        _proc.SetTcp(10, FakeProc.Line("0.0.0.0:80", "0.0.0.0:0", true, 1));
        _proc.SetTcp(20, FakeProc.Line("0.0.0.0:80", "0.0.0.0:0", true, 2));
        _proc.AddSocket(10, 3, 1);
        _proc.AddSocket(20, 3, 2);
        Assert.Equal((10, "outer"), Find(Net, "10.0.0.1:80", "10.0.0.2:999"));
        _time.Advance(200);
        Assert.Equal((20, "inner"), Find(OtherNet, "10.0.0.1:80", "10.0.0.2:999"));
        Assert.Equal((10, "outer"), Find(Net, "10.0.0.1:80", "10.0.0.2:999"));
        Assert.Equal((2, 2), (_sockets.Scans, _sockets.Count));
        _time.Advance(200);
        Assert.Equal(0, Find(1234, "10.0.0.1:80", "10.0.0.2:999").ProcessId);
        Assert.Equal(0, Find(0, "10.0.0.1:80", "10.0.0.2:999").ProcessId);
    }

    [Fact]
    public void A_socket_may_be_held_from_another_namespace()
    {
        _proc.AddProcess(10, "proxy", Net);
        _proc.AddProcess(20, "pause", OtherNet);
        _proc.SetTcp(20, FakeProc.Line("0.0.0.0:80", "0.0.0.0:0", true, 2));
        _proc.AddSocket(10, 3, 2);
        Assert.Equal((10, "proxy"), Find(OtherNet, "10.0.0.1:80", "10.0.0.2:999"));
    }

    [Fact]
    public void A_namespace_that_is_no_more_is_forgotten()
    {
        _proc.AddProcess(10, "outer", Net);
        _proc.AddProcess(20, "inner", OtherNet);
        _proc.SetTcp(20, FakeProc.Line("0.0.0.0:80", "0.0.0.0:0", true, 2));
        _proc.AddSocket(20, 3, 2);
        Assert.Equal((20, "inner"), Find(OtherNet, "10.0.0.1:80", "10.0.0.2:999"));
        _proc.RemoveProcess(20);
        _time.Advance(200);
        Assert.Equal(0, Find(Net, "10.0.0.1:80", "10.0.0.2:999").ProcessId);
        Assert.Equal(0, _sockets.Count);
    }

    [Fact]
    public void A_client_is_found_by_both_ends_and_by_its_port_alone_when_that_is_clear()
    {
        _proc.AddProcess(10, "curl", Net);
        _proc.AddProcess(20, "wget", Net);
        _proc.SetTcp(
            10,
            FakeProc.Line("10.0.0.1:4000", "10.0.0.2:80", false, 1),
            FakeProc.Line("10.0.0.1:4000", "10.0.0.3:80", false, 2),
            FakeProc.Line("10.0.0.1:4001", "10.0.0.3:80", false, 3));
        _proc.AddSocket(10, 3, 1);
        _proc.AddSocket(20, 3, 2);
        _proc.AddSocket(20, 4, 3);
        Assert.Equal((10, "curl"), Find(Net, "10.0.0.1:4000", "10.0.0.2:80"));
        Assert.Equal((20, "wget"), Find(Net, "10.0.0.1:4000", "10.0.0.3:80"));
        Assert.Equal((20, "wget"), Find(Net, "10.0.0.1:4001", "10.96.0.1:443"));
        Assert.Equal(0, Find(Net, "10.0.0.1:4000", "10.96.0.1:443").ProcessId);
    }

    [Fact]
    public void Odd_entries_are_passed_over()
    {
        Directory.CreateDirectory(Path.Combine(_proc.Root, "sys"));
        Directory.CreateDirectory(Path.Combine(_proc.Root, "5"));
        Directory.CreateDirectory(Path.Combine(_proc.Root, "6x"));
        File.WriteAllText(Path.Combine(_proc.Root, "7"), "a file");
        string noTable = _proc.AddProcess(8, "no-table", Net);
        Directory.Delete(Path.Combine(noTable, "net"));
        _proc.AddProcess(9, "odd-link", Net);
        File.Delete(Path.Combine(_proc.Root, "9/ns/net"));
        File.CreateSymbolicLink(Path.Combine(_proc.Root, "9/ns/net"), "net:[4026531840");
        _proc.AddProcess(10, "server", Net);
        _proc.SetTcp(10, "", new string('x', 200_000), FakeProc.Line("0.0.0.0:80", "0.0.0.0:0", true, 1), FakeProc.Line("0.0.0.0:81", "0.0.0.0:0", true, 0));
        _proc.AddLink(10, 0, "/dev/null");
        _proc.AddLink(10, 1, "socket:[");
        _proc.AddLink(10, 2, "socket:[99999999999999999999999]");
        _proc.AddLink(10, 4, "anon_inode:[eventpoll]");
        _proc.AddSocket(10, 5, 1);
        Assert.Equal((10, "server"), Find(Net, "10.0.0.1:80", "10.0.0.2:999"));
        Assert.Equal(0, Find(Net, "10.0.0.1:81", "10.0.0.2:999").ProcessId);
        Assert.False(_sockets.IsTruncated);
    }

    [Fact]
    public void No_proc_finds_nothing()
    {
        ProcessSockets sockets = new(Path.Combine(_proc.Root, "nowhere"), _time);
        Assert.False(sockets.TryFind(Net, Parse("10.0.0.1:80"), Parse("10.0.0.2:999"), out _, out _));
        Assert.Equal(1, sockets.Scans);
    }

    [Fact]
    public void A_listener_made_just_now_is_found_at_once_but_what_is_missing_is_not_looked_for_again_soon()
    {
        Assert.Equal(0, Find(Net, "10.0.0.1:80", "10.0.0.2:999").ProcessId);
        Assert.Equal(0, Find(Net, "10.0.0.1:80", "10.0.0.2:999").ProcessId);
        Assert.Equal(1, _sockets.Scans);
        AddListeners(("late", "0.0.0.0:80"), ("later", "0.0.0.0:81"));
        Assert.Equal(0, Find(Net, "10.0.0.1:80", "10.0.0.2:999").ProcessId);
        Assert.Equal(1, _sockets.Scans);
        Assert.Equal("later", Find(Net, "10.0.0.1:81", "10.0.0.2:999").Name);
        Assert.Equal(2, _sockets.Scans);
        Assert.Equal("late", Find(Net, "10.0.0.1:80", "10.0.0.2:999").Name);
    }

    [Fact]
    public void Owners_that_nobody_knows_cost_a_burst_of_scans_and_then_a_twentieth_of_the_time()
    {
        const int Burst = (int)(ScanPace.MaxCreditMs / ScanPace.MinChargeMs);
        int port = 1;
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(0, Find(Net, $"10.0.0.1:{port++}", "10.0.0.2:999").ProcessId);
        }
        Assert.Equal(Burst, _sockets.Scans);
        for (int i = 0; i < 1000; i++)
        {
            _time.Advance(10);
            Find(Net, $"10.0.0.1:{port++}", "10.0.0.2:999");
        }
        Assert.Equal(Burst + (10_000 / (int)(ScanPace.MinChargeMs * ScanPace.MsPerCreditMs)), _sockets.Scans);
    }

    [Fact]
    public void A_port_that_another_process_took_over_is_told_anew()
    {
        AddListeners(("before", "0.0.0.0:80"));
        Assert.Equal("before", Find(Net, "10.0.0.1:80", "10.0.0.2:999").Name);
        _proc.RemoveProcess(100);
        _proc.AddProcess(200, "after", Net);
        _proc.SetTcp(200, FakeProc.Line("0.0.0.0:80", "0.0.0.0:0", true, 77));
        _proc.AddSocket(200, 3, 77);
        _time.Advance(ProcessSockets.FreshForMs);
        Assert.Equal((200, "after"), Find(Net, "10.0.0.1:80", "10.0.0.2:999"));
        Assert.Equal(2, _sockets.Scans);
        _time.Advance(ProcessSockets.FreshForMs);
        Assert.Equal((200, "after"), Find(Net, "10.0.0.1:80", "10.0.0.2:999"));
        Assert.Equal(2, _sockets.Scans);
    }

    [Fact]
    public void After_a_slow_scan_the_next_runs_beside_the_caller()
    {
        _proc.AddProcess(1, "init", Net);
        _time.StepMs = ScanPace.MaxCreditMs + 1;
        _sockets.Prepare();
        _time.StepMs = 0;
        AddListeners(("server", "0.0.0.0:80"));
        _time.Advance(60_000);
        Assert.Equal(0, Find(Net, "10.0.0.1:80", "10.0.0.2:999").ProcessId);
        Assert.True(SpinWait.SpinUntil(() => _sockets.Scans == 3 && _sockets.Count == 1, TimeSpan.FromSeconds(30)));
        Assert.Equal("server", Find(Net, "10.0.0.1:80", "10.0.0.2:999").Name);
    }

    [Fact]
    public void The_table_is_bounded()
    {
        _proc.AddProcess(1, "init", Net);
        _proc.AddProcess(10, "many", Net);
        _proc.SetTcp(10, [.. Enumerable.Range(1, SocketScan.MaxSockets + 10).Select(static n => FakeProc.Line($"10.0.0.1:{n}", "10.0.0.2:80", false, (ulong)n))]);
        _proc.AddSocket(10, 3, 1);
        _proc.AddSocket(10, 4, SocketScan.MaxSockets);
        _proc.AddSocket(10, 5, SocketScan.MaxSockets + 1);
        _sockets.Prepare();
        Assert.True(_sockets.IsTruncated);
        Assert.Equal(2, _sockets.Count);
    }

    internal static Endpoint Parse(string text)
    {
        System.Net.IPEndPoint endpoint = System.Net.IPEndPoint.Parse(text);
        return Endpoint.From(endpoint.Address.GetAddressBytes(), (ushort)endpoint.Port);
    }

    /// <summary>Each listener in a process of its own, 100 onwards.</summary>
    private void AddListeners(params (string Name, string Local)[] listeners)
    {
        for (int i = 0; i < listeners.Length; i++)
        {
            _proc.AddProcess(100 + i, listeners[i].Name, Net);
            _proc.AddSocket(100 + i, 3, (ulong)(1 + i));
        }
        _proc.SetTcp(100, Lines(isIPv6: false));
        _proc.SetTcp6(100, Lines(isIPv6: true));

        string[] Lines(bool isIPv6) => [.. listeners
            .Select(static (listener, i) => (listener.Local, Inode: (ulong)(1 + i)))
            .Where(listener => listener.Local.StartsWith('[') == isIPv6)
            .Select(listener => FakeProc.Line(listener.Local, isIPv6 ? "[::]:0" : "0.0.0.0:0", true, listener.Inode))];
    }

    private (int ProcessId, string Name) Find(uint networkNamespace, string local, string remote)
    {
        bool found = _sockets.TryFind(networkNamespace, Parse(local), Parse(remote), out int processId, out CommName name);
        Assert.Equal(found, processId != 0);
        return (processId, name.ToString());
    }
}
