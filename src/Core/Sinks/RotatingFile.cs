namespace KubeBpfBox.Core.Sinks;

/// <summary>A file of lines that is kept below a size: a full one becomes <c>path.1</c>, that <c>path.2</c>, and so on; the oldest is deleted.</summary>
/// <remarks>
/// Only whole lines are in a file. Files and directory are made when they are not there, the file readable by its owner and group: lines may
/// hold what requests hold. Errors: none is thrown by <see cref="TryWrite"/>; it opens the file anew at each call after a failure.
/// Threads: one at a time.
/// </remarks>
public sealed class RotatingFile : IDisposable
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    private readonly string _path;
    private readonly long _maxBytes;
    private readonly int _maxFiles;
    private FileStream? _file;

    /// <param name="path">The file that is written.</param>
    /// <param name="maxBytes">Size of a file at most, unless one line is longer.</param>
    /// <param name="maxFiles">Files at most, the one that is written included.</param>
    public RotatingFile(string path, long maxBytes, int maxFiles)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxFiles, 1);
        (_path, _maxBytes, _maxFiles) = (Path.GetFullPath(path), maxBytes, maxFiles);
    }

    /// <summary>Makes the file if it is not there, and looks whether it may be written.</summary>
    public bool TryOpen(out string? trouble) => TryWrite([], out trouble);

    /// <summary>Appends whole lines.</summary>
    /// <param name="lines">Lines, each with its line feed. Those of a failed call may be there in part.</param>
    /// <param name="trouble">Why it failed, and what to do.</param>
    public bool TryWrite(ReadOnlySpan<byte> lines, out string? trouble)
    {
        try
        {
            _file ??= Open();
            while (!lines.IsEmpty)
            {
                int fits = Fitting(lines, _maxBytes - _file.Length);
                if (fits == 0)
                {
                    Rotate();
                    _file = Open();
                    continue;
                }
                _file.Write(lines[..fits]);
                lines = lines[fits..];
            }
            trouble = null;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Close();
            trouble = $"{_path} cannot be written: {e.Message} Free some space, or check that its directory may be written";
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    /// <summary>Bytes of whole lines that fit; a line that is too long for any file fits an empty one.</summary>
    private int Fitting(ReadOnlySpan<byte> lines, long room)
    {
        if (lines.Length <= room)
        {
            return lines.Length;
        }
        int whole = room > 0 ? lines[..(int)room].LastIndexOf((byte)'\n') + 1 : 0;
        return whole > 0 || room < _maxBytes ? whole : lines.IndexOf((byte)'\n') + 1 is > 0 and int first ? first : lines.Length;
    }

    private FileStream Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        return new FileStream(_path, new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0, UnixCreateMode = Mode });
    }

    private void Rotate()
    {
        Close();
        if (_maxFiles == 1)
        {
            File.Delete(_path);
            return;
        }
        for (int i = _maxFiles - 1; i >= 1; i--)
        {
            string from = i == 1 ? _path : $"{_path}.{i - 1}";
            if (File.Exists(from))
            {
                File.Move(from, $"{_path}.{i}", overwrite: true);
            }
        }
    }

    private void Close()
    {
        _file?.Dispose();
        _file = null;
    }
}
