namespace KubeBpfBox.Core.Plugins;

/// <summary>One way of a plugin into the kernel and what became of it.</summary>
/// <param name="Plugin">Folder name of the plugin.</param>
/// <param name="Hook">The way: "cgroup_skb/ingress".</param>
/// <param name="Attached">True when it was taken.</param>
/// <param name="Detail">Where it is attached, or why not and what to do about it.</param>
public sealed record HookStatus(string Plugin, string Hook, bool Attached, string Detail);
