using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.Prometheus;

/// <summary>What the agent is, and whether each of its parts works.</summary>
internal static class AgentFamilies
{
    /// <summary>Who is being scraped; the first family of a page, as OpenMetrics asks for.</summary>
    public static void WriteTarget(ref ExpositionWriter writer, PrometheusSources sources, AgentHealth health)
    {
        writer.Family(MetricType.Info, "target"u8, "What is scraped, as resource attributes of OpenTelemetry."u8);
        writer.Sample("target"u8, "_info"u8);
        writer.Label("service_name"u8, "kubebpfbox"u8);
        writer.Label("service_version"u8, health.Version);
        writer.LabelIfKnown("k8s_node_name"u8, sources.NodeName);
        writer.Value(1);

        writer.Family(MetricType.Info, "kubebpfbox_build"u8, "Version of the agent."u8);
        writer.Sample("kubebpfbox_build"u8, "_info"u8);
        writer.Label("version"u8, health.Version);
        writer.Label("revision"u8, sources.Revision);
        writer.Value(1);
    }

    public static void WriteHealth(ref ExpositionWriter writer, PrometheusSources sources, AgentHealth health)
    {
        writer.Single(MetricType.Gauge, "kubebpfbox_completeness_ratio"u8, "Share of the captured traffic that was followed to its end without loss."u8, health.Completeness, "ratio"u8);
        writer.Single(MetricType.Gauge, "kubebpfbox_capturing"u8, "Whether traffic is captured: 1, or 0 when it is not (yet)."u8, sources.IsCapturing() ? 1 : 0);
        writer.Single(MetricType.Gauge, "kubebpfbox_degraded"u8, "How many reasons there are why the agent works with less than it could; /readyz names them."u8, sources.Degraded().Count);

        writer.Family(MetricType.Gauge, "kubebpfbox_hook_attached"u8, "Ways into the kernel that were tried: 1 when attached, 0 when refused."u8);
        foreach (IGrouping<(string Plugin, string Hook), HookStatus> hook in sources.Hooks().GroupBy(static one => (one.Plugin, one.Hook)))
        {
            writer.Sample("kubebpfbox_hook_attached"u8);
            writer.Label("plugin"u8, hook.Key.Plugin);
            writer.Label("hook"u8, hook.Key.Hook);
            writer.Value(hook.Any(static one => one.Attached) ? 1 : 0);
        }
        writer.Family(MetricType.Gauge, "kubebpfbox_sink_up"u8, "Outputs: 1 while all is well, 0 while something is wrong; /readyz says what."u8);
        foreach (ISink sink in sources.Sinks())
        {
            writer.Sample("kubebpfbox_sink_up"u8);
            writer.Label("sink"u8, sink.Id);
            writer.Value(sink.Trouble is null ? 1 : 0);
        }
    }
}
