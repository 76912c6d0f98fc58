using System.Reflection;
using System.Runtime.InteropServices;

namespace KubeBpfBox.Agent;

/// <summary>Which build this is.</summary>
internal static class ProductVersion
{
    /// <summary>"0.1.0".</summary>
    public static string Version { get; }

    /// <summary>Revision it was built from; empty when not known.</summary>
    public static string Commit { get; }

    /// <summary>".NET 10.0.12 on linux-x64, native".</summary>
    public static string Runtime { get; } =
        $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}, {(System.Runtime.JitInfo.GetCompiledMethodCount() > 0 ? "just-in-time" : "native")}";

    static ProductVersion()
    {
        // The SDK writes "version+commit" when it builds from a repository.
        string text = typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        int plus = text.IndexOf('+', StringComparison.Ordinal);
        Version = plus < 0 ? text : text[..plus];
        Commit = plus < 0 ? string.Empty : text[(plus + 1)..];
    }
}
