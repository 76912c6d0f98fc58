using System.CommandLine;
using System.Net;
using System.Runtime.InteropServices;
using KubeBpfBox.Demo;
using KubeBpfBox.Demo.Services;

Option<string> agent = new("--agent") { Description = "The agent's program.", DefaultValueFactory = static _ => "bin/kubebpfbox" };
Option<int> port = new("--port") { Description = "Where the page is to be; another port when it is taken.", DefaultValueFactory = static _ => 9500 };
Option<int> seconds = new("--seconds") { Description = "Ends by itself after that time; 0 for never.", DefaultValueFactory = static _ => 0 };
Option<bool> kubernetes = new("--kubernetes") { Description = "With a stand-in for a cluster's API server, so that there are namespaces, pods and Services." };
Command run = new("run", "The shop, its visitors and the agent beside them, until Ctrl-C.") { agent, port, seconds, kubernetes };
run.SetAction((parsed, stop) => Task.Run(() => RunAsync(new DemonstrationOptions(Path.GetFullPath(parsed.GetValue(agent)!), parsed.GetValue(port), parsed.GetValue(kubernetes)), parsed.GetValue(seconds), stop), CancellationToken.None));

Argument<string> name = new("name") { Description = "Which one." };
Option<string> address = new("--address") { Description = "Where it listens.", DefaultValueFactory = static _ => "127.0.0.1" };
Command serve = new("serve", "One of the programs that run starts.") { name, address };
serve.SetAction((parsed, stop) => ServeAsync(parsed.GetValue(name)!, IPAddress.Parse(parsed.GetValue(address)!), stop));

RootCommand root = new("A demonstration of kubebpfbox. Needs root; its traffic stays in network namespaces of its own.") { run, serve };
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });

static async Task<int> RunAsync(DemonstrationOptions options, int seconds, CancellationToken stop)
{
    if (Environment.UserName != "root" || !File.Exists(options.AgentPath))
    {
        Console.Error.WriteLine(File.Exists(options.AgentPath) ? "demo: needs root, for network namespaces, cgroups and eBPF" : $"demo: {options.AgentPath} is not there: make build, or name it with --agent");
        return 1;
    }
    using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
    using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        end.Cancel();
    });
    try
    {
        await using Demonstration demonstration = new(options);
        await demonstration.StartAsync(end.Token);
        Console.WriteLine(Guide.Of(options, demonstration));
        if (seconds > 0)
        {
            end.CancelAfter(TimeSpan.FromSeconds(seconds));
        }
        await demonstration.KeepAsync(end.Token);
        return 0;
    }
    catch (OperationCanceledException)
    {
        return 0;
    }
    catch (Exception e) when (e is InvalidOperationException or TimeoutException or IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"demo: {e.Message}");
        return 1;
    }
}

static async Task ServeAsync(string name, IPAddress address, CancellationToken stop)
{
    // Whoever started this holds the other end of standard input: when that is gone, however it went, nobody needs this program.
    using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
    _ = Task.Run(() =>
    {
        while (Console.In.Read() >= 0)
        {
        }
        end.Cancel();
    }, CancellationToken.None);
    using Peers peers = new();
    try
    {
        await (name switch
        {
            "frontend" => ServiceHost.RunAsync(address, app => Frontend.Map(app, peers), end.Token),
            "catalog" => ServiceHost.RunAsync(address, Shelves.MapCatalog, end.Token),
            "inventory" => ServiceHost.RunAsync(address, Shelves.MapInventory, end.Token),
            "recommendations" => ServiceHost.RunAsync(address, app => Shelves.MapRecommendations(app, peers), end.Token),
            "thumbnails" => ServiceHost.RunAsync(address, Shelves.MapThumbnails, end.Token),
            "cart" => ServiceHost.RunAsync(address, Counter.MapCart, end.Token),
            "checkout" => ServiceHost.RunAsync(address, app => Counter.MapCheckout(app, peers), end.Token),
            "payments" => ServiceHost.RunAsync(address, app => Counter.MapPayments(app, peers), end.Token),
            "bank" => ServiceHost.RunAsync(address, Counter.MapBank, end.Token),
            "search" => Search.RunAsync(address, end.Token),
            "reporter" => Reporter.RunAsync(peers, end.Token),
            "visitors" => Visitors.RunAsync(end.Token),
            _ => throw new ArgumentException($"nobody is called '{name}' here", nameof(name)),
        });
    }
    catch (OperationCanceledException) when (end.IsCancellationRequested)
    {
        // Told to end.
    }
}
