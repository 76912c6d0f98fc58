namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>The database file as it is told of in the agent's status.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="MaxBytes">Size that it is kept under.</param>
public sealed record StoreFile(string Path, long MaxBytes)
{
    /// <summary>Size now, the journal not counted; 0 when there is no file.</summary>
    public long Bytes => new FileInfo(Path) is { Exists: true } file ? file.Length : 0;

    /// <inheritdoc cref="HistoryReader.SinceS"/>
    public long? SinceS => new HistoryReader(Path).SinceS;
}
