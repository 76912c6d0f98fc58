using KubeBpfBox.Sinks.Sqlite;

namespace KubeBpfBox.Agent;

/// <summary>Native libraries that are part of the program.</summary>
internal static class LinkedLibraries
{
    /// <summary>One line each: name and version.</summary>
    public static IEnumerable<string> Describe() => ["SQLite " + SqliteLibrary.Version];
}
