using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KubeBpfBox.Agent.Identity;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Unit.Identity;

public sealed class WorkloadResolverTests : IDisposable
{
    private const string Id = "4fa6e0f0c678b2b3f4c2a1d0e9f8a7b6c5d4e3f20192a3b4c5d6e7f8091a2b3c";
    private const uint Net = 4026531840;

    private readonly FakeProc _proc = new();
    private readonly string _cgroups = Directory.CreateTempSubdirectory("kubebpfbox-cgroup-").FullName;
    private readonly ManualTime _time = new();

    public void Dispose()
    {
        _proc.Dispose();
        Directory.Delete(_cgroups, recursive: true);
    }

    [Fact]
    public void The_cgroup_of_the_socket_comes_first()
    {
        string folder = Path.Combine(_cgroups, "system.slice/nginx.service");
        Directory.CreateDirectory(folder);
        _proc.AddProcess(10, "curl", Net, $"0::/docker/{Id}\n");
        using WorkloadResolver resolver = Fake();
        OwnerHint owner = new() { CgroupId = CgroupInode.Of(folder), ProcessId = 10, ProcessName = "curl"u8 };
        Assert.Equal(new Workload("nginx.service", "cgroup"), resolver.Resolve(owner));
        Assert.Same(resolver.Resolve(owner), resolver.Resolve(owner));
    }

    [Theory]
    [InlineData("1:name=systemd:/system.slice/cron.service\n0::/\n", "cron.service", "cgroup")]
    [InlineData("4:memory:/docker/" + Id + "\n0::/\n", "4fa6e0f0c678", "cgroup")]
    [InlineData("4:memory:/process_api/8cf0b1f0d242f01fe7e85202a9a29301\n0::/\n", "python3", "process")]
    [InlineData("0::/user.slice/user-1000.slice/session-3.scope\n", "python3", "process")]
    [InlineData("", "python3", "process")]
    public void Where_version_2_says_nothing_the_process_does(string cgroups, string name, string source)
    {
        _proc.AddProcess(10, "python3", Net, cgroups);
        using WorkloadResolver resolver = Fake();
        foreach (ulong root in new ulong[] { 0, 1 })
        {
            Workload workload = resolver.Resolve(new OwnerHint { CgroupId = root, ProcessId = 10, ProcessName = "pool-1-thread-7"u8 });
            Assert.Equal((name, source), (workload.Name, workload.Source));
        }
    }

    [Fact]
    public void A_server_without_a_seen_connect_is_named_by_the_cgroups_of_its_process()
    {
        _proc.AddProcess(10, "nginx", Net, $"4:memory:/docker/{Id}\n0::/\n");
        _proc.SetTcp(10, FakeProc.Line("0.0.0.0:80", "0.0.0.0:0", true, 1));
        _proc.AddSocket(10, 3, 1);
        using WorkloadResolver resolver = Fake();
        OwnerHint owner = new() { CgroupId = 1, NetworkNamespace = Net, Local = ProcessSocketsTests.Parse("10.0.0.1:80"), Remote = ProcessSocketsTests.Parse("10.0.0.2:999") };
        Assert.Equal(Id, resolver.Resolve(owner).ContainerId);
    }

    [Fact]
    public void The_name_that_the_kernel_gave_serves_when_the_process_has_gone()
    {
        using WorkloadResolver resolver = Fake();
        Workload workload = resolver.Resolve(new OwnerHint { ProcessId = 10, ProcessName = "curl\0\0\0\0\0\0\0\0\0\0\0\0"u8 });
        Assert.Equal(new Workload("curl", "process") { ProcessName = "curl" }, workload);
        Assert.Same(workload, resolver.Resolve(new OwnerHint { ProcessId = 11, ProcessName = "curl"u8 }));
        Assert.Same(workload, resolver.Resolve(new OwnerHint { ProcessName = "curl"u8 }));
        Assert.Same(Workload.Unknown, resolver.Resolve(new OwnerHint { ProcessId = 10 }));
        Assert.Same(Workload.Unknown, resolver.Resolve(default));
    }

    [Fact]
    public void A_process_that_became_another_program_is_asked_again()
    {
        string folder = _proc.AddProcess(10, "bash", Net);
        using WorkloadResolver resolver = Fake();
        Assert.Equal("bash", resolver.Resolve(new OwnerHint { ProcessId = 10, ProcessName = "bash"u8 }).Name);
        File.WriteAllText(Path.Combine(folder, "comm"), "curl\n");
        Assert.Equal("curl", resolver.Resolve(new OwnerHint { ProcessId = 10, ProcessName = "curl"u8 }).Name);
    }

    [Fact]
    public void Process_ids_of_another_namespace_are_not_looked_up()
    {
        string init = _proc.AddProcess(1, "agent", Net);
        File.CreateSymbolicLink(Path.Combine(init, "ns/pid"), "pid:[4026532222]");
        _proc.AddProcess(10, "stranger", Net);
        using WorkloadResolver resolver = Fake();
        Assert.Equal("curl", resolver.Resolve(new OwnerHint { ProcessId = 10, ProcessName = "curl"u8 }).Name);
    }

    [Theory]
    [InlineData(new byte[] { (byte)'a', 0x1b, 0x7f, (byte)'b' }, "a??b")]
    [InlineData(new byte[] { (byte)'a', 0xff, (byte)'b' }, "a\ufffdb")]
    [InlineData(new byte[] { 0, (byte)'b' }, "unknown")]
    [InlineData(new byte[] { 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82 }, "ABCDEFGHIJKLMNOP")]
    public void Any_name_can_be_shown(byte[] processName, string name)
    {
        using WorkloadResolver resolver = Fake();
        Assert.Equal(name, resolver.Resolve(new OwnerHint { ProcessName = processName }).Name);
    }

    [Fact]
    public void Names_without_end_stay_right()
    {
        using WorkloadResolver resolver = Fake();
        for (int i = 0; i < 20_000; i++)
        {
            Assert.Equal($"name{i}", resolver.Resolve(new OwnerHint { ProcessId = i + 1, ProcessName = Encoding.ASCII.GetBytes($"name{i}") }).Name);
        }
    }

    [Fact]
    public void A_known_owner_costs_no_allocation()
    {
        string folder = Path.Combine(_cgroups, "system.slice/nginx.service");
        Directory.CreateDirectory(folder);
        ulong cgroup = CgroupInode.Of(folder);
        _proc.AddProcess(10, "nginx", Net);
        _proc.SetTcp(10, FakeProc.Line("0.0.0.0:80", "0.0.0.0:0", true, 1));
        _proc.AddSocket(10, 3, 1);
        using WorkloadResolver resolver = Fake();
        Endpoint local = ProcessSocketsTests.Parse("10.0.0.1:80");
        Endpoint remote = ProcessSocketsTests.Parse("10.0.0.2:999");
        long before = 0;
        for (int i = 0; i < 1001; i++)
        {
            if (i == 1)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }
            _ = resolver.Resolve(new OwnerHint { CgroupId = cgroup });
            _ = resolver.Resolve(new OwnerHint { ProcessName = "curl"u8 });
            _ = resolver.Resolve(new OwnerHint { ProcessId = 10, ProcessName = "nginx"u8 });
            _ = resolver.Resolve(new OwnerHint { ProcessId = 999, ProcessName = "gone"u8 });
            _ = resolver.Resolve(new OwnerHint { NetworkNamespace = Net, Local = local, Remote = remote });
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("::", "127.0.0.1")]
    public void Sockets_of_this_process_are_found_in_proc(string listen, string connect)
    {
        IPAddress address = IPAddress.Parse(listen);
        Assert.SkipWhen(address.AddressFamily == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6, "no IPv6 here");
        using Socket listener = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.Equals(IPAddress.IPv6Any))
        {
            listener.DualMode = true;
        }
        listener.Bind(new IPEndPoint(address, 0));
        listener.Listen();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        using TcpClient client = new();
        client.Connect(IPAddress.Parse(connect), port);
        using Socket accepted = listener.Accept();
        ProcessSockets sockets = new();
        Endpoint clientEnd = From(client.Client.LocalEndPoint!);
        Endpoint serverEnd = From(client.Client.RemoteEndPoint!);
        string comm = File.ReadAllText("/proc/self/comm").TrimEnd();
        foreach ((Endpoint local, Endpoint remote) in new[] { (clientEnd, serverEnd), (serverEnd, clientEnd) })
        {
            Assert.True(sockets.TryFind(OwnNamespace(), local, remote, out int processId, out CommName name));
            Assert.Equal((Environment.ProcessId, comm), (processId, name.ToString()));
        }
        Assert.Equal(1, sockets.Scans);
    }

    [Fact]
    public void A_server_that_another_process_runs_is_found_by_its_port()
    {
        string python = "/usr/bin/python3";
        Assert.SkipUnless(File.Exists(python), "no python3 here");
        ProcessStartInfo start = new(python) { RedirectStandardOutput = true };
        start.ArgumentList.Add("-u");
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("import socket,time\ns=socket.create_server(('127.0.0.1',0))\nprint(s.getsockname()[1])\ntime.sleep(60)");
        using Process server = Process.Start(start)!;
        try
        {
            ushort port = ushort.Parse(server.StandardOutput.ReadLine()!);
            using WorkloadResolver resolver = new();
            resolver.Prepare();
            Assert.True(resolver.Sockets.Count > 0);
            OwnerHint owner = new()
            {
                NetworkNamespace = OwnNamespace(),
                Local = Endpoint.From([127, 0, 0, 1], port),
                Remote = Endpoint.From([127, 0, 0, 1], 1),
            };
            Assert.True(resolver.Sockets.TryFind(owner.NetworkNamespace, owner.Local, owner.Remote, out int processId, out CommName name));
            string comm = File.ReadAllText($"/proc/{server.Id}/comm").TrimEnd();
            Assert.Equal((server.Id, comm), (processId, name.ToString()));
            CgroupPath cgroup = CgroupPath.ParseProcess(File.ReadAllBytes($"/proc/{server.Id}/cgroup"));
            Assert.Equal(cgroup.Kind == CgroupKind.None ? comm : cgroup.Name, resolver.Resolve(owner).Name);
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    private static uint OwnNamespace() => uint.Parse(new FileInfo("/proc/self/ns/net").LinkTarget!["net:[".Length..^1]);

    private static Endpoint From(EndPoint endpoint) =>
        Endpoint.From(((IPEndPoint)endpoint).Address.GetAddressBytes(), (ushort)((IPEndPoint)endpoint).Port);

    [Fact]
    public void The_other_end_of_a_known_local_connection_costs_no_allocation()
    {
        using WorkloadResolver resolver = Fake();
        Core.Streams.Connection connection = Core.Streams.Connection.Create(Endpoint.From([10, 0, 0, 1], 80), Endpoint.From([10, 0, 0, 2], 4000), isLocalSocket: true);
        connection.Workload = new Workload("nginx.service", WorkloadSource.Cgroup);
        resolver.Add(connection);
        Workload first = resolver.ResolveAddress(connection.A, 7);
        Assert.Equal(("nginx.service", WorkloadSource.Socket), (first.Name, first.Source));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            _ = resolver.ResolveAddress(connection.A, 7);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Same(first, resolver.ResolveAddress(connection.A, 7));
    }

    private WorkloadResolver Fake() => new(new WorkloadResolverOptions { ProcRoot = _proc.Root, CgroupRoot = _cgroups }, time: _time);
}
