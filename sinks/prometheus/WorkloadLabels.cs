using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>A workload as labels; what is not known is left out.</summary>
/// <remarks>Source: OpenTelemetry semantic conventions, resource attributes of Kubernetes, in Prometheus' spelling.</remarks>
internal static class WorkloadLabels
{
    public static void Write(ref ExpositionWriter writer, Workload workload)
    {
        writer.Label("workload"u8, workload.Name);
        writer.LabelIfKnown("k8s_namespace_name"u8, workload.Namespace);
        writer.LabelIfKnown("k8s_pod_name"u8, workload.Pod);
        writer.LabelIfKnown("k8s_container_name"u8, workload.Container);
        writer.LabelIfKnown("k8s_service_name"u8, workload.Service);
        ReadOnlySpan<byte> owner = workload.Kind switch
        {
            "Deployment" => "k8s_deployment_name"u8,
            "StatefulSet" => "k8s_statefulset_name"u8,
            "DaemonSet" => "k8s_daemonset_name"u8,
            "ReplicaSet" => "k8s_replicaset_name"u8,
            "Job" => "k8s_job_name"u8,
            "CronJob" => "k8s_cronjob_name"u8,
            _ => default,
        };
        if (!owner.IsEmpty)
        {
            writer.Label(owner, workload.Name);
        }
    }
}
