namespace KubeBpfBox.Bench;

/// <summary>The command line.</summary>
internal sealed record BenchOptions(
    int Seconds,
    int Pairs,
    string AgentPath,
    IReadOnlyList<string> Settings,
    IReadOnlyList<string> Variants,
    int Transactions,
    int IdleConnections,
    int GarbageConnections,
    int OutageSeconds,
    int Rate,
    int Series,
    int Workloads,
    int PageRate,
    string? OpenPage,
    bool IsIsolated,
    string? CgroupPath = null);
