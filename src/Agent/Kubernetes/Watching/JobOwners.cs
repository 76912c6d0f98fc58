using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using KubeBpfBox.Agent.Kubernetes.Connection;
using KubeBpfBox.Agent.Kubernetes.Objects;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Kubernetes.Watching;

/// <summary>Asks which CronJob made a Job: once for each Job that has a pod on this node, one after the other.</summary>
internal sealed class JobOwners(ApiClient client, ILogger logger)
{
    private readonly Channel<JobReference> _wanted = Channel.CreateBounded<JobReference>(new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private bool _hasWarned;

    /// <summary>A Job was met. Returns at once.</summary>
    public void Want(JobReference job) => _wanted.Writer.TryWrite(job);

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(ClusterState state, CancellationToken cancellation)
    {
        try
        {
            await foreach (JobReference job in _wanted.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                await AskAsync(job, state, cancellation).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Told to end.
        }
    }

    private async Task AskAsync(JobReference reference, ClusterState state, CancellationToken cancellation)
    {
        try
        {
            string path = $"/apis/batch/v1/namespaces/{Uri.EscapeDataString(reference.Namespace)}/jobs/{Uri.EscapeDataString(reference.Name)}";
            Job? job = await client.ReadAsync(path, static (stream, token) => JsonSerializer.DeserializeAsync(stream, KubernetesJson.Default.Job, token).AsTask(), cancellation).ConfigureAwait(false);
            OwnerReference? maker = Array.Find(job?.Metadata?.OwnerReferences ?? [], static owner => owner is { Controller: true, Kind: "CronJob", Name.Length: > 0 });
            // A Job of the same name that was made since is another one.
            if (maker is not null && job!.Metadata!.Uid == reference.Uid)
            {
                state.SetCronJob(reference, maker.Name!);
            }
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            ApiException failure = client.Explain(e);
            if (failure.Status is null or >= HttpStatusCode.InternalServerError)
            {
                state.ForgetJob(reference);
            }
            else if (failure.Status == HttpStatusCode.Forbidden && !_hasWarned)
            {
                _hasWarned = true;
                logger.LogWarning("Kubernetes: Jobs are shown by their own names, not their CronJobs': {Reason}; {Advice}", failure.Message, failure.Advice);
            }
        }
    }
}
