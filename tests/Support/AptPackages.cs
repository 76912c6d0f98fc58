namespace KubeBpfBox.Support;

/// <summary>Programs of the system that tests and benchmarks start.</summary>
public static class AptPackages
{
    private static readonly string[] SearchPath = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

    /// <summary>Makes sure that a program is there: tests do not skip for a package that could be installed.</summary>
    /// <param name="program">Its file name.</param>
    /// <param name="package">The Debian package that brings it.</param>
    /// <returns>Its path.</returns>
    /// <exception cref="InvalidOperationException">It is missing; the message names the package.</exception>
    public static string Require(string program, string package) =>
        Find(program) ?? throw new InvalidOperationException($"the program '{program}' is missing: apt-get install {package}");

    /// <summary>The program's path, or null when it is not installed.</summary>
    public static string? Find(string program) =>
        SearchPath.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
