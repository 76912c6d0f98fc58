using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Agent.Identity;
using KubeBpfBox.Bpf;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Plugins;
using KubeBpfBox.Plugins.Cgroups;
using KubeBpfBox.Plugins.Interface;
using KubeBpfBox.Plugins.Traffic;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Probes the kernel, and takes each plugin's hooks for a moment to see which would hold.</summary>
internal static class Check
{
    /// <summary>Prints what was found.</summary>
    /// <param name="options">What the agent would run with.</param>
    /// <param name="form">"text" or "json".</param>
    /// <returns>The process's exit code: 1 when a plugin cannot be attached at all.</returns>
    public static int Run(AgentOptions options, string form)
    {
        CheckReport report = Probe(options);
        using StandardOutput output = new();
        string text = form == "json" ? JsonSerializer.Serialize(report, CheckJson.Default.CheckReport) + "\n" : Text(report);
        output.TryWrite(Encoding.UTF8.GetBytes(text));
        return report.Ready ? ExitCode.Fine : ExitCode.Failed;
    }

    private static CheckReport Probe(AgentOptions options)
    {
        bool isInterface = options.NetInterface.Length > 0;
        Capability needed = isInterface ? InterfaceSource.Needed : TrafficSource.Needed;
        Capability missing = Capabilities.Current.Missing(needed);
        List<CheckFeature> features =
        [
            new("capabilities", missing == 0, missing == 0 ? needed.ToText() : $"missing {missing.ToText()}: run as root, or grant them"),
            new("btf", KernelFeatures.HasBtf, KernelFeatures.HasBtf ? "/sys/kernel/btf/vmlinux" : "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF): its own structs cannot be found"),
            new("cgroup2", Cgroup2.FindMountPoint() is not null, Cgroup2.FindMountPoint() ?? "not mounted: mount -t cgroup2 none /sys/fs/cgroup/unified"),
            Feature("ring_buffer", KernelFeatures.Probe(BpfMapType.Ringbuf)),
            Feature("sk_storage", KernelFeatures.Probe(BpfMapType.SkStorage)),
            Feature("cgroup_skb", KernelFeatures.Probe(BpfProgramType.CgroupSkb)),
            Feature("socket_filter", KernelFeatures.Probe(BpfProgramType.SocketFilter)),
            Feature("raw_tracepoint", KernelFeatures.Probe(BpfProgramType.RawTracepoint)),
            Feature("kprobe", KernelFeatures.Kprobe()),
            Feature("fentry", KernelFeatures.Fentry()),
            Feature("uprobe", KernelFeatures.Uprobe()),
        ];
        IReadOnlyList<HookStatus> capture = isInterface ? [InterfacePlugin.Probe(InterfaceSource.TapOptions(options))] : ProbeTraffic(options);
        return new CheckReport(ProductVersion.Version, KernelFeatures.ReleaseText, capture.Any(static hook => hook.Attached), features, [.. capture, .. ProbeOthers(options)]);
    }

    private static CheckFeature Feature(string name, HookSupport support) => new(name, support.IsSupported, support.Reason ?? string.Empty);

    private static IReadOnlyList<HookStatus> ProbeTraffic(AgentOptions agentOptions)
    {
        TrafficOptions options = TrafficSource.TapOptions(agentOptions);
        try
        {
            using TrafficTap tap = TrafficTap.Load(options);
            tap.Attach(options);
            return tap.Hooks;
        }
        catch (BpfException e)
        {
            return [new HookStatus("traffic", "cgroup_skb", false, e.Message)];
        }
    }

    /// <summary>What the agent can do without, but says so.</summary>
    private static List<HookStatus> ProbeOthers(AgentOptions options)
    {
        using WorkloadResolver resolver = new();
        using CgroupWatch cgroups = new(resolver.Cgroups);
        cgroups.Attach();
        List<HookStatus> hooks = [.. cgroups.Hooks];
        foreach (IEventPlugin plugin in Pipelines.CreateEventPlugins(options, resolver, new EventCounts(), new Ledger()))
        {
            using (plugin)
            {
                plugin.Attach();
                hooks.AddRange(plugin.Hooks);
            }
        }
        return hooks;
    }

    private static string Text(CheckReport report)
    {
        StringBuilder text = new();
        text.Append($"kubebpfbox {report.Version} on Linux {report.Kernel}\n\nThis kernel allows:\n");
        foreach (CheckFeature feature in report.Features)
        {
            text.Append($"  {(feature.Supported ? "yes" : "no "),-4} {feature.Name,-15} {feature.Detail}".TrimEnd()).Append('\n');
        }
        text.Append("\nPlugins would take:\n");
        foreach (HookStatus hook in report.Hooks)
        {
            text.Append($"  {(hook.Attached ? "yes" : "no "),-4} {hook.Plugin,-15} {hook.Hook}: {hook.Detail}\n");
        }
        return text.Append(report.Ready ? "\nReady to run.\n" : "\nNot ready: nothing could be attached.\n").ToString();
    }
}

/// <summary>What <c>check -o json</c> prints.</summary>
/// <param name="Version">Of this program.</param>
/// <param name="Kernel">Release.</param>
/// <param name="Ready">Whether <c>run</c> would capture.</param>
/// <param name="Features">What the kernel and this process's rights allow.</param>
/// <param name="Hooks">What the plugins took when tried.</param>
internal sealed record CheckReport(string Version, string Kernel, bool Ready, IReadOnlyList<CheckFeature> Features, IReadOnlyList<HookStatus> Hooks);

/// <summary>One thing that a kernel may or may not allow.</summary>
internal sealed record CheckFeature(string Name, bool Supported, string Detail);

/// <summary>How a check is written as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CheckReport))]
internal sealed partial class CheckJson : JsonSerializerContext;
