using KubeBpfBox.Core.Sinks;

namespace KubeBpfBox.Sinks.JsonLog;

/// <summary>Takes whole lines. One thread calls.</summary>
public interface ILineOutput : IDisposable
{
    /// <summary>What it is, for messages.</summary>
    string Name { get; }

    /// <summary>Writes lines.</summary>
    /// <param name="lines">Lines, each with its line feed.</param>
    /// <param name="trouble">Why it cannot now, and what to do.</param>
    bool TryWrite(ReadOnlySpan<byte> lines, out string? trouble);
}

/// <summary>A file that is rotated.</summary>
public sealed class FileLines(string path, long maxBytes, int maxFiles) : ILineOutput
{
    private readonly RotatingFile _file = new(path, maxBytes, maxFiles);

    /// <inheritdoc/>
    public string Name => path;

    /// <summary>Makes the file if it is not there, and looks whether it may be written.</summary>
    public bool TryOpen(out string? trouble) => TryWrite([], out trouble);

    /// <inheritdoc/>
    public bool TryWrite(ReadOnlySpan<byte> lines, out string? trouble)
    {
        bool isWritten = _file.TryWrite(lines, out trouble);
        trouble = isWritten ? null : "sinks.jsonlog.path: " + trouble;
        return isWritten;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
