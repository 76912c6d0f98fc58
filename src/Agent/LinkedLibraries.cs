using KubeBpfBox.Bpf;
using KubeBpfBox.Sinks.Sqlite;

namespace KubeBpfBox.Agent;

/// <summary>Native libraries that are part of the program.</summary>
internal static class LinkedLibraries
{
    /// <summary>One line each: name and version.</summary>
    public static IEnumerable<string> Describe() => ["libbpf " + KernelFeatures.LibbpfVersion, "SQLite " + SqliteLibrary.Version];
}
