namespace KubeBpfBox.Demo;

/// <summary>What is printed for who runs the demonstration.</summary>
internal static class Guide
{
    public static string Of(DemonstrationOptions options, Demonstration demonstration) => $"""
        A shop of {Shop.Workloads.Count} workloads is open, each in a network namespace and a cgroup of its own; the agent watches them.

            {demonstration.Url}/

        {(options.IsKubernetes
            ? "Namespaces, pods and Services come from a stand-in for a cluster's API server: there is no cluster. Processes and traffic are real."
            : "Workloads are named after their cgroups, as systemd makes them. With namespaces and pods: make demo-kubernetes")}

        What to look at:
          payments      its bank is slow and fails for 20 seconds of every two minutes; checkout and the gateway feel it
          search        a crowd every 40 seconds is more than its accept queue has room for: tcpsynbl events
          thumbnails    {(demonstration.HasMemoryLimit ? "leaks until the kernel kills it for its memory, every few minutes: oomkill events" : "leaks; this kernel has no memory controller, so nothing kills it")}
          recommendations   remembers three of four answers: two bands in the heat map
        In another shell: {options.AgentPath} observe --server {demonstration.Url} --status 5xx

        Ctrl-C ends all of it.
        """;
}
