using System.Net;
using System.Net.Sockets;

namespace KubeBpfBox.Kernel.Bpf;

public sealed class ReadmeTests
{
    [Fact]
    public void The_example_is_this_code()
    {
        string readme = Resource("README.md");
        string[] lines = Resource("ReadmeExample.cs").Split('\n');
        int start = Array.FindIndex(lines, static line => line.Trim() == "// example") + 1;
        int end = Array.FindIndex(lines, static line => line.Trim() == "// end") - 1;
        string example = string.Join('\n', lines[start..end].Select(static line => line.Length > 4 ? line[4..] : ""));
        Assert.Contains($"```csharp\n{example}\n```", readme, StringComparison.Ordinal);
        string program = Resource("hello.bpf.c");
        Assert.Contains($"```c\n{program[(program.IndexOf('\n', StringComparison.Ordinal) + 1)..]}```", readme, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_example_runs()
    {
        using StringWriter output = new();
        Task watcher = Task.Run(() => ReadmeExample.Watch(output, packets: 3), TestContext.Current.CancellationToken);
        using Socket receiver = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using Socket sender = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        while (await Task.WhenAny(watcher, Task.Delay(10, TestContext.Current.CancellationToken)) != watcher)
        {
            sender.SendTo("hello"u8, receiver.LocalEndPoint!);
        }
        await watcher;
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.All(lines, static line => Assert.Matches("^cgroup [0-9]+ sent [0-9]+ bytes$", line));
    }

    private static string Resource(string name)
    {
        using StreamReader reader = new(typeof(ReadmeTests).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
