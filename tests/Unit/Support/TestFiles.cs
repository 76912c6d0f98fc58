namespace KubeBpfBox.Unit.Support;

/// <summary>A directory that goes away with the test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kubebpfbox-test-");

    public string File(string name) => Path.Combine(_directory.FullName, name);

    public string[] Names => [.. _directory.GetFileSystemInfos().Select(static info => info.Name).Order(StringComparer.Ordinal)];

    public void Dispose() => _directory.Delete(recursive: true);
}

/// <summary>Files of the repository.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        string directory = AppContext.BaseDirectory;
        while (!System.IO.File.Exists(Path.Combine(directory, "KubeBpfBox.slnx")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new DirectoryNotFoundException("the tests run outside the repository");
        }
        return directory;
    }
}
