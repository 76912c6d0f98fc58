using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace KubeBpfBox.Demo;

/// <summary>Answers as the API server of a cluster would that runs the shop on one node. There is no cluster: processes, cgroups and traffic are real, these answers are made up.</summary>
/// <remarks>Shape: the lists and watches that src/Agent/Kubernetes asks for. Nothing changes, so watches stay silent. Lifetime: serves until it is disposed.</remarks>
internal sealed class ClusterStandIn : IAsyncDisposable
{
    public const string NodeName = "demo-node";

    private const string SlicesPath = "/apis/discovery.k8s.io/v1/endpointslices", ResourceVersion = "1000";

    private readonly Dictionary<string, JsonArray> _lists = new()
    {
        ["/api/v1/pods"] = [.. Shop.Workloads.SelectMany(static workload => Enumerable.Range(0, workload.Replicas).Select(replica => Pod(workload, replica)))],
        ["/api/v1/services"] = [.. Shop.Workloads.Where(static workload => workload.IsService).Select(Service)],
        [SlicesPath] = [.. Shop.Workloads.Where(static workload => workload.IsService).Select(Slice)],
        ["/api/v1/nodes"] = [Node()],
    };

    private readonly CancellationTokenSource _ending = new();
    private WebApplication? _app;

    /// <summary>Listens on loopback.</summary>
    /// <param name="kubeconfigPath">Where to write how it is reached.</param>
    public async Task StartAsync(string kubeconfigPath)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static options => options.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        string url = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        await File.WriteAllTextAsync(kubeconfigPath, $"""
            apiVersion: v1
            kind: Config
            current-context: demo
            contexts:
            - name: demo
              context: {"{"}cluster: demo{"}"}
            clusters:
            - name: demo
              cluster: {"{"}server: "{url}"{"}"}
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
        _ending.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        string path = context.Request.Path.Value ?? "";
        if (!_lists.TryGetValue(path, out JsonArray? items))
        {
            JsonObject? job = JobAt(path);
            context.Response.StatusCode = job is null ? 404 : 200;
            await context.Response.WriteAsync((job ?? new JsonObject { ["kind"] = "Status", ["code"] = 404 }).ToJsonString());
            return;
        }
        if (!context.Request.Query.ContainsKey("watch"))
        {
            await context.Response.WriteAsync(new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = ResourceVersion }, ["items"] = items.DeepClone() }.ToJsonString());
            return;
        }
        await context.Response.Body.FlushAsync();
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _ending.Token);
        await Task.Delay(Timeout.Infinite, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The Job of a CronJob's pod; each has one here.</summary>
    private static JsonObject? JobAt(string path)
    {
        ShopWorkload? owner = Shop.Workloads.Find(workload => !workload.IsService && path == $"/apis/batch/v1/namespaces/{workload.Namespace}/jobs/{JobOf(workload)}");
        return owner is null ? null : new JsonObject { ["metadata"] = Metadata(JobOf(owner), owner.Namespace, Owner("batch/v1", "CronJob", owner.Name)) };
    }

    private static string JobOf(ShopWorkload workload) => workload.PodName(0)[..^6];

    private static JsonObject Pod(ShopWorkload workload, int replica)
    {
        JsonObject owner = workload.Kind switch
        {
            "Deployment" => Owner("apps/v1", "ReplicaSet", $"{workload.Name}-{workload.TemplateHash}"),
            "CronJob" => Owner("batch/v1", "Job", JobOf(workload)),
            _ => Owner("apps/v1", workload.Kind, workload.Name),
        };
        JsonObject metadata = Metadata(workload.PodName(replica), workload.Namespace, owner);
        metadata["uid"] = workload.PodUid(replica);
        if (workload.Kind == "Deployment")
        {
            metadata["labels"] = new JsonObject { ["pod-template-hash"] = workload.TemplateHash };
        }
        string address = workload.Addresses[replica];
        return new JsonObject
        {
            ["metadata"] = metadata,
            ["spec"] = new JsonObject { ["nodeName"] = NodeName, ["containers"] = new JsonArray(new JsonObject { ["name"] = workload.Name }) },
            ["status"] = new JsonObject
            {
                ["phase"] = "Running",
                ["podIP"] = address,
                ["podIPs"] = new JsonArray(new JsonObject { ["ip"] = address }),
                ["containerStatuses"] = new JsonArray(new JsonObject { ["name"] = workload.Name, ["containerID"] = $"containerd://{workload.ContainerId(replica)}", ["state"] = new JsonObject { ["running"] = new JsonObject() } }),
            },
        };
    }

    private static JsonObject Service(ShopWorkload workload) => new()
    {
        ["metadata"] = Metadata(workload.Name, workload.Namespace),
        ["spec"] = new JsonObject { ["clusterIP"] = "None", ["clusterIPs"] = new JsonArray("None"), ["ports"] = Ports() },
    };

    private static JsonObject Slice(ShopWorkload workload)
    {
        JsonObject metadata = Metadata($"{workload.Name}-{workload.TemplateHash[..5]}", workload.Namespace);
        metadata["labels"] = new JsonObject { ["kubernetes.io/service-name"] = workload.Name };
        return new JsonObject
        {
            ["metadata"] = metadata,
            ["addressType"] = "IPv4",
            ["endpoints"] = new JsonArray([.. workload.Addresses.Select((address, replica) => new JsonObject
            {
                ["addresses"] = new JsonArray(address),
                ["nodeName"] = NodeName,
                ["targetRef"] = new JsonObject { ["kind"] = "Pod", ["name"] = workload.PodName(replica), ["namespace"] = workload.Namespace },
            })]),
            ["ports"] = Ports(),
        };
    }

    private static JsonObject Node() => new()
    {
        ["metadata"] = new JsonObject { ["name"] = NodeName, ["uid"] = NodeName },
        ["spec"] = new JsonObject { ["podCIDR"] = "10.87.0.0/16", ["podCIDRs"] = new JsonArray("10.87.0.0/16") },
        ["status"] = new JsonObject { ["addresses"] = new JsonArray(new JsonObject { ["type"] = "InternalIP", ["address"] = "192.0.2.10" }) },
    };

    private static JsonArray Ports() => [new JsonObject { ["name"] = "http", ["port"] = ShopWorkload.Port, ["protocol"] = "TCP" }];

    private static JsonObject Owner(string apiVersion, string kind, string name) => new()
    {
        ["apiVersion"] = apiVersion,
        ["kind"] = kind,
        ["name"] = name,
        ["uid"] = $"{kind}-{name}",
        ["controller"] = true,
    };

    private static JsonObject Metadata(string name, string @namespace, JsonObject? owner = null) => new()
    {
        ["name"] = name,
        ["namespace"] = @namespace,
        ["uid"] = owner is { } && (string?)owner["kind"] == "CronJob" ? $"Job-{name}" : $"{@namespace}-{name}",
        ["resourceVersion"] = ResourceVersion,
        ["ownerReferences"] = owner is null ? null : new JsonArray(owner),
    };
}
