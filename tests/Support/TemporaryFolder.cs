namespace KubeBpfBox.Support;

/// <summary>A folder of our own below the system's folder for temporary files, removed with all in it.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Makes one, readable for others because servers drop their rights.</summary>
    public TemporaryFolder()
    {
        Leftovers.Remove();
        FolderPath = Directory.CreateTempSubdirectory($"{Leftovers.Prefix}{Environment.ProcessId}-").FullName;
        File.SetUnixFileMode(FolderPath, (UnixFileMode)0b111_101_101);
    }

    /// <summary>Where it is.</summary>
    public string FolderPath { get; }

    /// <summary>The path of a file inside.</summary>
    public string PathOf(string name) => Path.Combine(FolderPath, name);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Directory.Exists(FolderPath))
        {
            Directory.Delete(FolderPath, recursive: true);
        }
    }
}
