using System.Text.Json.Nodes;
using KubeBpfBox.Agent.Kubernetes;
using static KubeBpfBox.Unit.Kubernetes.KubeObjects;
using static KubeBpfBox.Unit.Kubernetes.WatchFixture;

namespace KubeBpfBox.Unit.Kubernetes;

public sealed class ClusterWatchTests
{
    [Fact]
    public async Task Lists_then_watches_pods_of_its_node()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.Pods.Add(Pod("first", "10.244.0.5"));
        fixture.Server.Pods.Add(Pod("elsewhere", "10.244.1.5", node: "node-2"));
        fixture.Start();

        Assert.True(await fixture.Watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)));
        Assert.True(fixture.Watch.HasSynced);
        Assert.Equal("first", fixture.State.PodByUid("uid-of-first")?.Name);
        Assert.Null(fixture.State.PodByUid("uid-of-elsewhere"));

        int generation = fixture.State.Generation;
        fixture.Server.Pods.Add(Pod("second", "10.244.0.6"));
        await UntilAsync(() => fixture.State.PodByAddress(At("10.244.0.6")) is { Name: "second" });
        Assert.True(fixture.State.Generation > generation);

        fixture.Server.Pods.Modify(Pod("second", "10.244.0.7"));
        await UntilAsync(() => fixture.State.PodByAddress(At("10.244.0.7:80")) is { Name: "second" });
        Assert.Null(fixture.State.PodByAddress(At("10.244.0.6")));

        PodInfo known = fixture.State.PodByUid("uid-of-second")!;
        fixture.Server.Pods.Delete(Pod("second", "10.244.0.7"));
        await UntilAsync(() => known.IsGone);
        Assert.Null(fixture.State.PodByAddress(At("10.244.0.7")));
        Assert.Same(known, fixture.State.PodByUid("uid-of-second"));
        Assert.Null(fixture.Watch.Trouble);
        Assert.Equal(1, fixture.Server.Count("/api/v1/pods", "limit=500&fieldSelector=spec.nodeName%3Dnode-1&resourceVersion=0"));
    }

    [Fact]
    public async Task Reads_lists_page_by_page_and_starts_over_when_a_page_is_gone()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.PageSize = 3;
        fixture.Server.ExpiredPages = 1;
        for (int i = 0; i < 8; i++)
        {
            fixture.Server.Pods.Add(Pod($"p{i}"));
        }
        fixture.Start();

        Assert.True(await fixture.Watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)));
        Assert.All(Enumerable.Range(0, 8), i => Assert.NotNull(fixture.State.PodByUid($"uid-of-p{i}")));
        Assert.Equal(2, fixture.Server.Count("/api/v1/pods", "continue=3"));
        Assert.Equal(1, fixture.Server.Count("/api/v1/pods", "continue=6"));
    }

    [Fact]
    public async Task A_bookmark_moves_the_next_watch_forward()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Start();
        Assert.True(await fixture.Watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)));
        await UntilAsync(() => fixture.Server.Pods.Watchers == 1);

        string first = fixture.Server.Requests.First(static request => request.StartsWith("/api/v1/pods?watch", StringComparison.Ordinal));

        long version = fixture.Server.Pods.Bookmark();
        await UntilAsync(() => fixture.Server.Pods.Told == 1);
        fixture.Server.Pods.EndWatches();
        await UntilAsync(() => fixture.Server.Count("/api/v1/pods", $"watch=true&allowWatchBookmarks=true&resourceVersion={version}&") == 1);
        Assert.Contains("allowWatchBookmarks=true", first);
        Assert.Matches("timeoutSeconds=(3|4|5)[0-9][0-9]&", first);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Lists_anew_when_the_watch_is_too_old_and_buries_what_is_missing(bool byStatus)
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.Pods.RefusesOldWatches = byStatus;
        fixture.Server.Pods.Add(Pod("stays", "10.244.0.5"));
        fixture.Server.Pods.Add(Pod("goes", "10.244.0.6"));
        fixture.Start();
        await UntilAsync(() => fixture.State.PodByUid("uid-of-goes") is not null && fixture.Server.Pods.Watchers == 1);
        PodInfo goes = fixture.State.PodByUid("uid-of-goes")!;

        fixture.Server.Pods.ChangeSilently(static pods => pods.RemoveAll(static pod => (string?)pod["metadata"]!["name"] == "goes"));
        fixture.Server.Pods.ChangeSilently(static pods => pods.Add(Pod("comes", "10.244.0.6")));
        fixture.Server.Pods.Compact();
        fixture.Server.Pods.EndWatches();

        await UntilAsync(() => fixture.State.PodByAddress(At("10.244.0.6")) is { Name: "comes" });
        Assert.True(goes.IsGone);
        Assert.False(fixture.State.PodByUid("uid-of-stays")!.IsGone);
        // The second list must be current, so it does not take what a cache has.
        await UntilAsync(() => fixture.Server.Requests.Any(static request => request == "/api/v1/pods?limit=500&fieldSelector=spec.nodeName%3Dnode-1"));
    }

    [Fact]
    public async Task Keeps_what_it_knows_while_the_server_is_away_and_catches_up()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.Pods.Add(Pod("first", "10.244.0.5"));
        fixture.Start();
        await UntilAsync(() => fixture.State.PodByUid("uid-of-first") is not null && fixture.Server.Pods.Watchers == 1);

        await fixture.Server.StopAsync();
        await UntilAsync(() => fixture.Watch.Trouble?.Contains("Connection refused", StringComparison.Ordinal) == true);
        Assert.Matches("^Kubernetes: .*pods.* not up to date since 20[-0-9]*T[:0-9]*Z: http://127.0.0.1:[0-9]*/ cannot be reached: Connection refused.*; see whether the API server runs and this node reaches it", fixture.Watch.Trouble);
        Assert.NotNull(fixture.Watch.PodTrouble);
        Assert.Equal("first", fixture.State.PodByAddress(At("10.244.0.5"))?.Name);

        fixture.Server.Pods.Add(Pod("second", "10.244.0.6"));
        await fixture.Server.ListenAsync();
        await UntilAsync(() => fixture.State.PodByUid("uid-of-second") is not null && fixture.Watch.Trouble is null);
        Assert.Contains(fixture.Log.Messages.ToArray(), static message => message.StartsWith("Kubernetes: pods are watched again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Starts_without_a_server()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.Pods.Add(Pod("first"));
        await fixture.Server.StopAsync();
        fixture.Start();

        Assert.False(await fixture.Watch.WaitForPodsAsync(TimeSpan.FromMilliseconds(50)));
        Assert.NotNull(fixture.Watch.Trouble);
        await fixture.Server.ListenAsync();
        Assert.True(await fixture.Watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)));
        Assert.NotNull(fixture.State.PodByUid("uid-of-first"));
    }

    [Fact]
    public async Task Does_without_what_is_forbidden()
    {
        await using WatchFixture fixture = await ServeAsync();
        bool isForbidden = true;
        fixture.Server.Status = request => Volatile.Read(ref isForbidden) && request.Path != "/api/v1/pods" ? 403 : 0;
        fixture.Server.Pods.Add(Pod("first", "10.244.0.5"));
        fixture.Server.Slices.Add(Slice("s", "web", "10.244.0.5", "first"));
        fixture.Server.Nodes.Add(NodeObject("node-1", "10.0.0.1", "10.244.0.0/24"));
        fixture.Start();

        await UntilAsync(() => fixture.Watch.Trouble is { } trouble && trouble.Contains("nodes", StringComparison.Ordinal) && trouble.Contains("services", StringComparison.Ordinal));
        Assert.True(await fixture.Watch.WaitForPodsAsync(TimeSpan.FromSeconds(10)));
        Assert.Null(fixture.Watch.PodTrouble);
        Assert.Contains("/api/v1/nodes is not for you (403); grant this with a ClusterRole", fixture.Watch.Trouble);
        Assert.Equal("first", fixture.State.PodByAddress(At("10.244.0.5"))?.Name);
        Assert.Null(fixture.State.NodeByAddress(At("10.0.0.1")));

        Volatile.Write(ref isForbidden, false);
        await UntilAsync(() => fixture.Watch.Trouble is null);
        Assert.Equal("node-1", fixture.State.NodeByAddress(At("10.0.0.1")));
        await UntilAsync(() => fixture.State.ServiceOfPod("default", "first") == "web");
    }

    [Fact]
    public async Task Falls_back_to_v1beta1()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.Lack("/apis/discovery.k8s.io/v1/endpointslices");
        FakeCollection beta = fixture.Server.Of("/apis/discovery.k8s.io/v1beta1/endpointslices");
        JsonObject slice = Slice("s", "web", "10.244.3.5", "first");
        slice["endpoints"]![0]!["nodeName"] = null;
        slice["endpoints"]![0]!["topology"] = new JsonObject { ["kubernetes.io/hostname"] = "node-3" };
        beta.Add(slice);
        fixture.Start();

        await UntilAsync(() => fixture.State.EndpointByAddress(At("10.244.3.5:8080"), anyPort: false) is { Pod: "first", Service: "web", Namespace: "default", NodeName: "node-3" });
        beta.Delete(slice);
        await UntilAsync(() => fixture.State.EndpointByAddress(At("10.244.3.5:8080"), anyPort: false) is null);
        Assert.Null(fixture.Watch.Trouble);
    }

    [Fact]
    public async Task Falls_back_to_endpoints_and_returns_when_they_are_gone()
    {
        await using WatchFixture fixture = await ServeAsync();
        const string V1 = "/apis/discovery.k8s.io/v1/endpointslices";
        fixture.Server.Lack(V1);
        FakeCollection endpoints = fixture.Server.Of("/api/v1/endpoints");
        endpoints.Add((JsonObject)JsonNode.Parse("""
            {"metadata":{"name":"web","namespace":"default","uid":"e"},"subsets":[{
              "addresses":[{"ip":"10.244.3.5","nodeName":"node-3","targetRef":{"kind":"Pod","name":"first","namespace":"default"}}],
              "notReadyAddresses":[{"ip":"10.244.3.6","targetRef":{"kind":"Pod","name":"second","namespace":"default"}}],
              "ports":[{"port":8080,"protocol":"TCP"},{"port":53,"protocol":"UDP"}]}]}
            """)!);
        fixture.Start();

        await UntilAsync(() => fixture.State.EndpointByAddress(At("10.244.3.5:8080"), anyPort: false) is { Pod: "first", Service: "web", NodeName: "node-3" });
        Assert.Equal("second", fixture.State.EndpointByAddress(At("10.244.3.6:8080"), anyPort: false)?.Pod);
        Assert.Null(fixture.State.EndpointByAddress(At("10.244.3.6:53"), anyPort: false));

        // The server was upgraded.
        fixture.Server.Of(V1).Add(Slice("s", "new", "10.244.3.9", "third"));
        fixture.Server.Lack("/api/v1/endpoints");
        endpoints.EndWatches();
        await UntilAsync(() => fixture.State.EndpointByAddress(At("10.244.3.9:8080"), anyPort: false) is { Pod: "third" });
        Assert.Null(fixture.State.EndpointByAddress(At("10.244.3.5:8080"), anyPort: false));
    }

    [Fact]
    public async Task Asks_once_for_a_node_that_it_meets()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.Nodes.Add(NodeObject("node-1", "10.0.0.1", "10.244.0.0/24"));
        fixture.Start();
        await UntilAsync(() => fixture.State.NodeByAddress(At("10.0.0.1")) is not null);

        fixture.Server.Nodes.Add(NodeObject("node-2", "10.0.0.2", "10.244.2.0/24", "fd00:2::/64"));
        for (int i = 0; i < 5; i++)
        {
            fixture.Server.Slices.Add(Slice($"s{i}", "web", $"10.244.2.{i}", $"p{i}", node: "node-2"));
        }
        await UntilAsync(() => fixture.State.NodeByAddress(At("10.0.0.2")) == "node-2");
        Assert.Equal("node-1", fixture.State.NodeByAddress(At("10.0.0.1")));
        Assert.True(fixture.State.IsClusterAddress(At("10.244.2.77")));
        await UntilAsync(() => fixture.State.EndpointByAddress(At("10.244.2.4"), anyPort: true) is { Pod: "p4" });
        Assert.Equal(1, fixture.Server.Count("/api/v1/nodes", "fieldSelector=metadata.name%3Dnode-2"));
        Assert.Equal(2, fixture.Server.Count("/api/v1/nodes"));
    }

    [Fact]
    public async Task Finds_the_CronJob_of_a_Job_and_asks_once()
    {
        await using WatchFixture fixture = await ServeAsync();
        FakeCollection jobs = fixture.Server.Of("/apis/batch/v1/jobs");
        jobs.Add(new() { ["metadata"] = new JsonObject { ["name"] = "nightly-28", ["namespace"] = "default", ["uid"] = "j1", ["ownerReferences"] = new JsonArray(
            new JsonObject { ["apiVersion"] = "batch/v1", ["kind"] = "CronJob", ["name"] = "nightly", ["uid"] = "c", ["controller"] = true }) } });
        jobs.Add(new() { ["metadata"] = new JsonObject { ["name"] = "once", ["namespace"] = "default", ["uid"] = "j2" } });
        fixture.Server.Pods.Add(Pod("a").OwnedBy("Job", "nightly-28", "batch/v1", uid: "j1"));
        fixture.Server.Pods.Add(Pod("b").OwnedBy("Job", "once", "batch/v1", uid: "j2"));
        fixture.Server.Pods.Add(Pod("c").OwnedBy("Job", "gone", "batch/v1", uid: "j3"));
        fixture.Start();

        await UntilAsync(() => fixture.State.PodByUid("uid-of-a") is { WorkloadKind: "CronJob", WorkloadName: "nightly" });
        fixture.Server.Pods.Add(Pod("d").OwnedBy("Job", "nightly-28", "batch/v1", uid: "j1"));
        fixture.Server.Pods.Modify(Pod("a", "10.244.0.5").OwnedBy("Job", "nightly-28", "batch/v1", uid: "j1"));
        await UntilAsync(() => fixture.State.PodByUid("uid-of-d") is { WorkloadKind: "CronJob" } && fixture.State.PodByAddress(At("10.244.0.5")) is { WorkloadName: "nightly" });
        await UntilAsync(() => fixture.Server.Count("/apis/batch/v1/namespaces/default/jobs/gone") == 1);
        Assert.Equal(("once", "Job"), (fixture.State.PodByUid("uid-of-b")!.WorkloadName, fixture.State.PodByUid("uid-of-b")!.WorkloadKind));
        Assert.Equal(("gone", "Job"), (fixture.State.PodByUid("uid-of-c")!.WorkloadName, fixture.State.PodByUid("uid-of-c")!.WorkloadKind));
        Assert.Equal(1, fixture.Server.Count("/apis/batch/v1/namespaces/default/jobs/nightly-28"));
        Assert.Equal(1, fixture.Server.Count("/apis/batch/v1/namespaces/default/jobs/once"));
    }

    [Fact]
    public async Task Jobs_stay_when_asking_is_forbidden()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.Status = static request => request.Path.StartsWithSegments("/apis/batch") ? 403 : 0;
        fixture.Server.Pods.Add(Pod("a").OwnedBy("Job", "nightly-28", "batch/v1", uid: "j1"));
        fixture.Start();

        await UntilAsync(() => fixture.Log.Messages.ToArray().Any(static message => message.Contains("Jobs are shown by their own names", StringComparison.Ordinal)));
        Assert.Equal("Job", fixture.State.PodByUid("uid-of-a")?.WorkloadKind);
        Assert.Null(fixture.Watch.Trouble);
    }

    [Fact]
    public async Task Passes_over_huge_lines_and_lists_anew_after_garbled_ones()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Start(Quick with { MaxObjectBytes = 16 * 1024 });
        await UntilAsync(() => fixture.Server.Pods.Watchers == 1);

        fixture.Server.Pods.Add(Pod("huge").With("metadata/annotations", new JsonObject { ["x"] = new string('x', 200_000) }));
        fixture.Server.Pods.Add(Pod("after"));
        await UntilAsync(() => fixture.State.PodByUid("uid-of-after") is not null);
        Assert.Null(fixture.State.PodByUid("uid-of-huge"));
        Assert.Single(fixture.Log.Messages.ToArray(), static message => message.Contains("larger than 16384 bytes", StringComparison.Ordinal));
        Assert.Equal(1, fixture.Server.Count("/api/v1/pods", "limit"));

        fixture.Server.Pods.ChangeSilently(static pods => pods.Add(Pod("lost")));
        fixture.Server.Pods.Tell("{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"na");
        await UntilAsync(() => fixture.State.PodByUid("uid-of-lost") is not null);
        fixture.Server.Pods.ChangeSilently(static pods => pods.Add(Pod("lost2")));
        fixture.Server.Pods.Tell("{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":[]}}}");
        await UntilAsync(() => fixture.State.PodByUid("uid-of-lost2") is not null && fixture.Watch.Trouble is null);

        // What is merely new is no reason to.
        int lists = fixture.Server.Count("/api/v1/pods", "limit");
        fixture.Server.Pods.Tell("");
        fixture.Server.Pods.Tell("{\"object\":{\"spec\":1},\"type\":\"INVENTED\",\"more\":[{}]}");
        fixture.Server.Pods.Add(Pod("last"));
        await UntilAsync(() => fixture.State.PodByUid("uid-of-last") is not null);
        Assert.Equal(lists, fixture.Server.Count("/api/v1/pods", "limit"));
    }

    [Fact]
    public async Task Waits_as_long_as_a_busy_server_asks()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.RetryAfterSeconds = 1;
        fixture.Server.Status = static request => request.Path == "/api/v1/services" ? 429 : 0;
        fixture.Start();
        await UntilAsync(() => fixture.Server.Count("/api/v1/services") == 1);
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.Equal(1, fixture.Server.Count("/api/v1/services"));
        Assert.Contains("services", fixture.Watch.Trouble);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_given_up()
    {
        await using WatchFixture fixture = await ServeAsync();
        fixture.Server.IsSilent = true;
        fixture.Start(Quick with { RequestTimeout = TimeSpan.FromMilliseconds(50) });
        await UntilAsync(() => fixture.Watch.Trouble?.Contains("did not answer in time", StringComparison.Ordinal) == true);
        fixture.Server.IsSilent = false;
        await UntilAsync(() => fixture.Watch is { HasSynced: true, Trouble: null });
    }
}
