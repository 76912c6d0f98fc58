using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Sinks;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent;

/// <summary>Messages in a file that is rotated: one line each, as on standard error but with the date.</summary>
/// <remarks>Threads: any. A file that cannot be written is left alone until it can: the messages are on standard error, too.</remarks>
internal sealed class LogFile : ILoggerProvider
{
    private readonly Lock _lock = new();
    private readonly RotatingFile _file;

    /// <summary>Opens the file.</summary>
    /// <exception cref="AgentException">It cannot be written.</exception>
    public LogFile(string path, long maxBytes, int maxFiles)
    {
        _file = new RotatingFile(path, maxBytes, maxFiles);
        if (!_file.TryOpen(out string? trouble))
        {
            throw new AgentException($"App.LogSavePath: {trouble}");
        }
    }

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void Dispose() => _file.Dispose();

    private void Write(LogLevel level, string category, string message)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"{DateTimeOffset.UtcNow:yyyy-MM-ddTHH:mm:ss.fffZ} {NameOf(level)}: {category}: {message.ReplaceLineEndings(" ")}\n");
        lock (_lock)
        {
            _ = _file.TryWrite(Encoding.UTF8.GetBytes(line), out _);
        }
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };

    private sealed class Category(LogFile file, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            file.Write(logLevel, name, exception is null ? formatter(state, exception) : $"{formatter(state, exception)} {exception}");
    }
}
