namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>The native library that is linked.</summary>
public static class SqliteLibrary
{
    /// <summary>Its version, such as "3.46.1".</summary>
    public static string Version
    {
        get
        {
            SQLitePCL.Batteries_V2.Init();
            return SQLitePCL.raw.sqlite3_libversion().utf8_to_string();
        }
    }
}
