using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kernel.EndToEnd;

/// <summary>Whatever is wrong is told in exactly one line on standard error, and by the exit code.</summary>
public sealed class BadInputTests : IDisposable
{
    private const int Failed = 1;
    private const int Usage = 2;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("frobnicate", "'frobnicate' is no command")]
    [InlineData("", "a command is expected: run, observe")]
    [InlineData("run --nonsense", "'--nonsense' is no option")]
    [InlineData("run --set nonsense", "KEY=VALUE is expected")]
    [InlineData("run --set =x", "KEY=VALUE is expected")]
    [InlineData("run --set streams.max_byts=1MiB", "streams.max_byts: no such setting; did you mean streams.max_bytes")]
    [InlineData("run --set streams.max_bytes=lots", "streams.max_bytes: 'lots' is not allowed; allowed is a size")]
    [InlineData("run --set api.listen=9500", "api.listen: '9500' is not allowed")]
    [InlineData("run --config {folder}", "is a directory")]
    [InlineData("run --config {folder}/missing.yaml", "missing.yaml")]
    [InlineData("run --config {folder}/unknown.yaml", "unknown.yaml:3: plugins.traffic.ring_byte: no such setting; did you mean plugins.traffic.ring_bytes")]
    [InlineData("run --config {folder}/broken.yaml", "broken.yaml:2: not YAML")]
    [InlineData("run --set sinks.sqlite.enabled=false --set sinks.influxdb.url=http://127.0.0.1:1", "sinks.influxdb.bucket: is not set")]
    [InlineData("run --set sinks.sqlite.enabled=false --set sinks.otlp.endpoint=https://127.0.0.1:1 --set sinks.otlp.ca_file={folder}/none", "sinks.otlp.ca_file: ")]
    [InlineData("run --set sinks.influxdb.url=influxdb:8086", "sinks.influxdb.url: 'influxdb:8086' is not allowed; allowed is an http or https URL")]
    [InlineData("observe --slower-than soon", "'soon' is not a duration")]
    [InlineData("observe --status 20", "'20' is not a status")]
    [InlineData("observe --server localhost", "'localhost' is not an address")]
    [InlineData("replay", "replay")]
    [InlineData("replay -o xml {folder}/a.pcap", "xml")]
    [InlineData("replay {folder}/missing.pcap", "missing.pcap: no such file")]
    [InlineData("replay {folder}", "is a folder")]
    [InlineData("replay {folder}/broken.yaml", "not a capture file")]
    [InlineData("replay {folder}/empty", "empty")]
    public void Wrong_usage(string commandLine, string expected)
    {
        File.WriteAllText(_folder.PathOf("unknown.yaml"), "plugins:\n  traffic:\n    ring_byte: 4MiB\n");
        File.WriteAllText(_folder.PathOf("broken.yaml"), "streams: {\n");
        File.WriteAllText(_folder.PathOf("empty"), "");
        AssertRefused(Usage, expected, commandLine.Replace("{folder}", _folder.FolderPath, StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void No_agent() => AssertRefused(Failed, "no agent answers at http://127.0.0.1:1 (connection refused)", "observe", "--server", "http://127.0.0.1:1");

    [Fact]
    public void A_port_in_use()
    {
        using Socket taken = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        int port = ((IPEndPoint)taken.LocalEndPoint!).Port;
        AssertRefused(Failed, $"api.listen: 127.0.0.1:{port} cannot be listened on: another program uses the port", Run(port, "a.db"));
    }

    [Fact]
    public void An_address_that_is_not_ours() =>
        AssertRefused(Failed, "no interface has this address", "run", "--set", "api.listen=192.0.2.1:9500", "--set", $"sinks.sqlite.path={_folder.PathOf("a.db")}");

    [Theory]
    [InlineData("folder", "is a directory")]
    [InlineData("text", "is not an SQLite database")]
    [InlineData("text/a.db", "cannot be written")]
    [InlineData("/proc/none/a.db", "cannot be written")]
    public void A_database_that_cannot_be_used(string path, string expected)
    {
        Directory.CreateDirectory(_folder.PathOf("folder"));
        File.WriteAllText(_folder.PathOf("text"), "precious");
        AssertRefused(Failed, expected, Run(TcpPort.Free(), path));
        Assert.Equal("precious", File.ReadAllText(_folder.PathOf("text")));
    }

    [Theory]
    [InlineData("sinks.jsonlog.path=/proc/none/requests.jsonl", "sinks.jsonlog.path: /proc/none/requests.jsonl cannot be written")]
    [InlineData("App.LogSavePath=/proc/none", "App.LogSavePath: /proc/none/agent.log cannot be written")]
    public void A_file_of_lines_that_cannot_be_written(string setting, string expected) =>
        AssertRefused(Failed, expected, [.. Run(TcpPort.Free(), "a.db"), "--set", setting]);

    [Theory]
    [InlineData("/proc/none", "open cgroup '/proc/none'")]
    [InlineData("/proc", "must be on a cgroup v2 mount")]
    public void A_cgroup_that_is_none(string path, string expected) =>
        AssertRefused(Failed, expected, [.. Run(TcpPort.Free(), "a.db"), "--set", $"plugins.traffic.cgroup_path={path}", "--set", "log.level=error"]);

    [Fact]
    public void No_rights()
    {
        // The whole set of root but one capability, so that the built files can be read wherever they lie.
        using ChildProcess agent = ChildProcess.Start(
            AptPackages.Require("setpriv", "util-linux"),
            ["--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin", AgentProcess.Program, .. Run(TcpPort.Free(), "a.db")]);
        agent.WaitForExit(TimeSpan.FromSeconds(30));
        AssertOneLine(Failed, "this process lacks CAP_BPF: run it as root", (agent.ExitCode, agent.Output, agent.Errors));
    }

    [Fact]
    public void A_capture_that_is_cut_off_gives_all_whole_packets_and_names_the_offset()
    {
        byte[] capture = Capture();
        File.WriteAllBytes(_folder.PathOf("whole.pcap"), capture);
        (int exitCode, string output, string errors) = AgentProcess.Run("replay", "-o", "json", _folder.PathOf("whole.pcap"));
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Contains("\"status\":200", output, StringComparison.Ordinal);

        // A fifth packet, of which only half its header is there.
        File.WriteAllBytes(_folder.PathOf("cut.pcap"), [.. capture, .. new byte[8]]);
        (int cutCode, string cutOutput, string cutErrors) = AgentProcess.Run("replay", "-o", "json", _folder.PathOf("cut.pcap"));
        Assert.Equal(Usage, cutCode);
        Assert.Equal(output, cutOutput);
        Assert.Contains($"{capture.Length}", Assert.Single(cutErrors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reader_that_goes_away_ends_a_replay()
    {
        File.WriteAllBytes(_folder.PathOf("a.pcap"), Capture(exchanges: 20_000));
        using ChildProcess pipe = ChildProcess.Start("bash", "-c", $"{AgentProcess.Program} replay {_folder.PathOf("a.pcap")} | head -1; echo \"ended ${{PIPESTATUS[0]}}\"");
        pipe.WaitForExit(TimeSpan.FromSeconds(30));
        Assert.Equal(2, pipe.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.EndsWith("ended 0\n", pipe.Output, StringComparison.Ordinal);
        Assert.Empty(pipe.Errors);
    }

    private IEnumerable<string> Run(int port, string database) => AgentProcess.Arguments(port, _folder.PathOf(database), cgroup: null);

    private static void AssertRefused(int exitCode, string expected, params IEnumerable<string> arguments) => AssertOneLine(exitCode, expected, AgentProcess.Run(arguments));

    private static void AssertOneLine(int exitCode, string expected, (int ExitCode, string Output, string Errors) run)
    {
        Assert.Equal((exitCode, ""), (run.ExitCode, run.Output));
        string line = Assert.Single(run.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("kubebpfbox: ", line, StringComparison.Ordinal);
        Assert.Contains(expected, line, StringComparison.Ordinal);
    }

    /// <summary>A pcap of raw IPv4 packets (link type 101): requests and their answers on one connection.</summary>
    private static byte[] Capture(int exchanges = 1)
    {
        ReadOnlySpan<byte> request = "GET /captured HTTP/1.1\r\nHost: h\r\n\r\n"u8;
        ReadOnlySpan<byte> response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8;
        using MemoryStream file = new();
        WriteWords(file, 0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 101);
        (uint client, uint server) = (1000, 5000);
        WritePacket(file, fromClient: true, client++, 0, 0x02, default);
        WritePacket(file, fromClient: false, server++, client, 0x12, default);
        for (int i = 0; i < exchanges; i++)
        {
            WritePacket(file, fromClient: true, client, server, 0x18, request);
            client += (uint)request.Length;
            WritePacket(file, fromClient: false, server, client, 0x18, response);
            server += (uint)response.Length;
        }
        return file.ToArray();
    }

    private static void WritePacket(MemoryStream file, bool fromClient, uint sequence, uint acknowledgment, byte flags, ReadOnlySpan<byte> payload)
    {
        byte[] packet = new byte[40 + payload.Length];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = 6;
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(12), fromClient ? 0x0a00_0001u : 0x0a00_0002u);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(16), fromClient ? 0x0a00_0002u : 0x0a00_0001u);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(20), (ushort)(fromClient ? 40_000 : 80));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), (ushort)(fromClient ? 80 : 40_000));
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(24), sequence);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(28), acknowledgment);
        packet[32] = 0x50;
        packet[33] = flags;
        payload.CopyTo(packet.AsSpan(40));
        WriteWords(file, 1_700_000_000, 0, (uint)packet.Length, (uint)packet.Length);
        file.Write(packet);
    }

    private static void WriteWords(MemoryStream file, params ReadOnlySpan<uint> words)
    {
        byte[] bytes = new byte[4];
        foreach (uint word in words)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, word);
            file.Write(bytes);
        }
    }
}
