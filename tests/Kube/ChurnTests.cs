using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using KubeBpfBox.Kube.Cluster;
using KubeBpfBox.Support;

namespace KubeBpfBox.Kube;

/// <summary>Pods that come and go, and addresses that go from one to the next: no request is ever put down to another pod.</summary>
public sealed partial class ChurnTests(ITestOutputHelper output) : IDisposable
{
    private const int Port = 8080;
    private const double Mib = 1 << 20;

    private readonly TestNamespace _namespace = new("kbb-churn");

    public void Dispose() => _namespace.Dispose();

    [Fact]
    public void A_container_that_was_restarted_is_still_its_pod()
    {
        const string Mark = "/restarted";
        _namespace.Apply(Manifests.Pod("server", "httpd", Manifests.Httpd(Port), "restartPolicy: Always"), Manifests.Pod("client", "client", Manifests.Idle));
        Pod first = _namespace.Ready("server").Single();
        Pod client = _namespace.Ready("client").Single();
        using Observer observer = _namespace.Observe(Mark);
        string url = $"http://{first.Address}:{Port}/index.html?{Mark}";
        Assert.Equal(5, Scene.Request(client, url + "-before", 5));

        ChildProcess.Run("kill", "-KILL", first.FindProcess().ToString(CultureInfo.InvariantCulture));
        Pod second = first;
        Kubectl.Until(() => (second = first.Now()) is { IsReady: true, Containers: [{ Restarts: 1 }] }, () => $"a restart: {second}");
        Assert.Equal(5, Scene.Request(client, url + "-after", 5));

        foreach ((string name, Pod pod) in new Dictionary<string, Pod> { ["-before"] = first, ["-after"] = second })
        {
            IReadOnlyList<Transaction> seen = observer.Transactions(Mark + name, 10);
            Assert.Equal(10, seen.Count);
            seen.AssertAll(static one => one.IsBetween("client", "server"), "from client to server");
            seen.Where(static one => one.Role == "server").AssertAll(one => one.Destination("container_id") == pod.Containers.Single().Id, "in the container " + pod.Containers.Single().Id);
        }
    }

    [Fact]
    public void A_pod_with_the_address_of_one_that_went_is_told_from_it()
    {
        const string Mark = "/same-address";
        _namespace.Apply(Manifests.Pod("client", "client", Manifests.Idle), Manifests.Pod("first", "httpd", Manifests.Httpd(Port)));
        Pod client = _namespace.Ready("client").Single();
        string address = _namespace.Ready("first").Single().Address!;
        using Observer observer = _namespace.Observe(Mark);

        foreach (string name in (string[])["first", "second", "third"])
        {
            Pod server = _namespace.Ready(name).Single();
            Assert.Equal(address, server.Address);
            // Until the client has forgotten the hardware address of the pod before.
            Kubectl.Until(() => Scene.Request(client, $"http://{address}:{Port}/index.html", 1) == 1, () => $"an answer of {name}");
            Assert.Equal(5, Scene.Request(client, $"http://{address}:{Port}/index.html?{Mark}&from=client&to={name}", 5));
            Assert.Equal(5, Scene.Request(server, $"http://{address}:{Port}/index.html?{Mark}&from={name}&to={name}", 5));
            _namespace.Delete(name);
            Node.GiveAddressNext(address);
            _namespace.Apply(Manifests.Pod(name == "first" ? "second" : "third", "httpd", Manifests.Httpd(Port)));
        }

        IReadOnlyList<Transaction> seen = observer.Transactions(Mark, 3 * 20);
        Assert.Equal(3 * 20, seen.Count);
        seen.AssertAll(IsNamedAsInTarget, "between the pods that their targets name");
    }

    [Fact]
    public void Two_hundred_short_pods_are_each_themselves()
    {
        const int Count = 200, AtOnce = 20, RequestsOfEach = 4;
        const string Mark = "/short";
        _namespace.Apply(Manifests.Pod("server", "httpd", Manifests.Httpd(Port)));
        Pod server = _namespace.Ready("server").Single();
        Pod agent = AgentPod.Find();
        // The static busybox's own client and "hostname -i" fail at times: glibc loads its name services when linked statically, too.
        string script = $"""
            echo fine >/tmp/index.html; httpd -p {Port} -h /tmp
            self=$(awk -v name="$HOSTNAME" '$2 == name {"{"} print $1 {"}"}' /etc/hosts)
            ask() {"{"} curl -sS --fail --max-time 20 -o /dev/null "http://$1:{Port}/index.html?{Mark}&from=$HOSTNAME&to=$2" || exit 1; {"}"}
            for n in 1 2 3; do ask {server.Address} "server&n=$n"; done
            ask "$self" "$HOSTNAME"
            """;
        using Observer observer = _namespace.Observe(Mark);
        double memoryBefore = 0;
        int made = 0, ended = 0;
        Stopwatch watch = Stopwatch.StartNew();
        while (ended < Count)
        {
            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(10), $"{made} pods made, {ended} ended");
            IReadOnlyList<Pod> alive = [.. _namespace.Pods().Where(static pod => pod.Name != "server")];
            string[] over = [.. alive.Where(static pod => pod.Phase is "Succeeded" or "Failed").Select(static pod => pod.Name)];
            Pod? failed = alive.FirstOrDefault(static pod => pod.Phase == "Failed");
            Assert.True(failed is null, failed is null ? "" : $"{failed}: {Kubectl.Run("logs", "-n", failed.Namespace, failed.Name)}");
            if (over.Length > 0)
            {
                Kubectl.Run(["delete", "pod", "-n", _namespace.Name, "--grace-period=0", "--force", "--wait=false", .. over]);
                ended += over.Length;
            }
            int next = Math.Min(Count - made, AtOnce - (alive.Count - over.Length));
            if (next > 0)
            {
                _namespace.Apply(Enumerable.Range(made, next).Select(n => Manifests.Pod($"short-{n}", "client", ["/bin/sh", "-c", script])));
                made += next;
            }
            if (memoryBefore == 0 && ended >= Count / 4)
            {
                memoryBefore = AgentPod.Metric(agent, "process_resident_memory_bytes");
            }
        }

        TimeSpan took = watch.Elapsed;
        IReadOnlyList<Transaction> seen = observer.Transactions(Mark, 2 * Count * RequestsOfEach);
        double memoryAfter = AgentPod.Metric(agent, "process_resident_memory_bytes");
        int unnamed = seen.Count(static one => one.Source("pod") is null || one.Destination("pod") is null);
        output.WriteLine($"{Count} pods in {took.TotalSeconds:F0} s ({Count / took.TotalMinutes:F0} a minute); {seen.Count} observations, {unnamed} with an end that has no pod; "
            + $"resident {memoryBefore / Mib:F1} MiB after a quarter, {memoryAfter / Mib:F1} MiB at the end");
        Assert.Equal(2 * Count * RequestsOfEach, seen.Count);
        Assert.Equal(seen.Count, seen.DistinctBy(static one => (one.Target, one.Role)).Count());
        seen.AssertAll(IsNamedAsInTarget, "between the pods that their targets name");
        Assert.InRange(memoryAfter - memoryBefore, double.MinValue, 8 * Mib);
    }

    /// <summary>The targets of these tests say who asks and who is asked.</summary>
    private static bool IsNamedAsInTarget(Transaction one)
    {
        Match ends = Ends().Match(one.Target);
        return one.IsBetween(ends.Groups["from"].Value, ends.Groups["to"].Value);
    }

    [GeneratedRegex("from=(?<from>[^&]+)&to=(?<to>[^&]+)")]
    private static partial Regex Ends();
}
