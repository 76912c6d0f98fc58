namespace KubeBpfBox.Core.Export;

/// <summary>Where an exporter's messages go: each is one line that names the output.</summary>
/// <param name="Warn">Something needs attention.</param>
/// <param name="Inform">Something is well again.</param>
/// <remarks>Threads: called by the exporter's own.</remarks>
public sealed record ExportLog(Action<string> Warn, Action<string> Inform);
