using System.Globalization;
using KubeBpfBox.Bpf;
using KubeBpfBox.Support;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Kernel.EndToEnd;

[Collection(SharedAgent.Name)]
public sealed class StopTests(AgentFixture fixture)
{
    private const int SigInt = 2;
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigHup = 1;

    [Theory]
    [InlineData(SigTerm)]
    [InlineData(SigInt)]
    [InlineData(SigHup)]
    public void A_signal_ends_it_with_all_stored(int signal)
    {
        using SocketServer silent = new(static socket => Traffic.ReadHead(socket));
        using SocketServer waiting = new(static socket =>
        {
            Traffic.ReadHead(socket);
            Traffic.ReadHead(socket);
        });
        using AgentProcess agent = new(fixture.CgroupPath);
        using System.Net.Sockets.Socket open = fixture.Inside(() => Traffic.Connect(waiting.Port));
        open.Send("GET /unanswered HTTP/1.1\r\nHost: h\r\n\r\n"u8);
        for (int i = 0; i < 10; i++)
        {
            fixture.Inside(() => Traffic.Get(fixture.Port, "/last"));
        }
        // At once: nothing has been written yet, some of it is still in the ring.
        Assert.Equal(0, agent.Stop(signal));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(agent.Database)!, "*-wal"));
        using SqliteConnection database = Open(agent.Database);
        Assert.Equal(20, Scalar(database, "SELECT sum(requests) FROM red WHERE route = '/last' AND status = 200"));
        Assert.Equal(20, Scalar(database, "SELECT count(*) FROM request_log WHERE target = '/last'"));
        // From the client's end; the server's socket is not of this cgroup.
        Assert.Equal(1, Scalar(database, "SELECT count(*) FROM request_log WHERE target = '/unanswered' AND status IS NULL AND duration_ns IS NULL"));
    }

    [Fact]
    public void Killed_it_leaves_nothing_in_the_kernel_and_no_request_notices()
    {
        using AgentProcess agent = new(fixture.CgroupPath);
        (HashSet<uint> programs, HashSet<uint> maps) = Held(agent.Process.Id);
        Assert.True(programs.Count >= 3 && maps.Count >= 4, $"{programs.Count} programs, {maps.Count} maps");
        Assert.Subset(KernelIds.Programs().ToHashSet(), programs);
        Assert.Subset(KernelIds.Maps().ToHashSet(), maps);
        // The links are of its programs; bpftool tells which.
        string links = AptPackages.Require("bpftool", "bpftool");
        Assert.True(LinksOf(links, programs) >= 3);

        int done = 0;
        bool isOver = false;
        Exception? failure = null;
        using System.Net.Sockets.Socket socket = fixture.Inside(() => Traffic.Connect(fixture.Port));
        Thread client = new(() =>
        {
            try
            {
                while (!Volatile.Read(ref isOver))
                {
                    Assert.Equal(200, Traffic.Exchange(socket, "GET /during HTTP/1.1\r\nHost: h\r\n\r\n").Status);
                    Interlocked.Increment(ref done);
                }
            }
#pragma warning disable CA1031 // Told by the test's own thread.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = e;
            }
        });
        client.Start();
        WaitFor(() => Volatile.Read(ref done) > 20, "requests before");
        agent.Process.Signal(SigKill);
        agent.Process.WaitForExit(TimeSpan.FromSeconds(10));
        int atDeath = Volatile.Read(ref done);
        WaitFor(() => Volatile.Read(ref done) > atDeath + 20 || failure is not null, "requests after");
        Volatile.Write(ref isOver, true);
        client.Join();
        Assert.Null(failure);

        // The kernel frees them a moment after the last descriptor.
        WaitFor(() => !KernelIds.Programs().Any(programs.Contains) && !KernelIds.Maps().Any(maps.Contains), "the kernel to free programs and maps");
        Assert.Equal(0, LinksOf(links, programs));
    }

    [Fact]
    public void Two_agents_see_the_same()
    {
        using AgentProcess second = new(fixture.CgroupPath);
        fixture.Inside(() => Traffic.Get(fixture.Port, "/twice"));
        Assert.Equal(2, fixture.Seen("/twice").Count);
        second.Until(() => second.Counted("server") == 1 && second.Counted("client") == 1, "the request at the second agent");
        Assert.Equal(0, second.Stop());
        fixture.Inside(() => Traffic.Get(fixture.Port, "/twice/and-on"));
        fixture.Seen("/twice/and-on");
    }

    internal static SqliteConnection Open(string path)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    internal static long Scalar(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() is long value ? value : 0;
    }

    /// <summary>Programs and maps whose descriptors a process holds (/proc/PID/fdinfo).</summary>
    private static (HashSet<uint> Programs, HashSet<uint> Maps) Held(int pid)
    {
        (HashSet<uint> programs, HashSet<uint> maps) = ([], []);
        foreach (string file in Directory.GetFiles($"/proc/{pid}/fdinfo"))
        {
            string[] lines;
            try
            {
                lines = File.ReadAllLines(file);
            }
            catch (IOException)
            {
                continue;
            }
            foreach (string[] pair in lines.Select(static line => line.Split(':', StringSplitOptions.TrimEntries)))
            {
                if (pair is ["prog_id", _] && uint.Parse(pair[1], CultureInfo.InvariantCulture) is > 0 and var program)
                {
                    programs.Add(program);
                }
                else if (pair is ["map_id", _])
                {
                    maps.Add(uint.Parse(pair[1], CultureInfo.InvariantCulture));
                }
            }
        }
        return (programs, maps);
    }

    private static int LinksOf(string bpftool, HashSet<uint> programs)
    {
        using System.Text.Json.JsonDocument links = System.Text.Json.JsonDocument.Parse(ChildProcess.Run(bpftool, "-j", "link", "show"));
        return links.RootElement.EnumerateArray().Count(link => link.TryGetProperty("prog_id", out System.Text.Json.JsonElement id) && programs.Contains(id.GetUInt32()));
    }

    private static void WaitFor(Func<bool> condition, string what) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)), $"no {what} within 20 s");
}
