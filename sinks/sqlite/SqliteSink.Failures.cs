using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Opening, failing and coming back.</summary>
public sealed partial class SqliteSink
{
    /// <summary>Opens the database and closes it again, so that a wrong setting shows at the start and not in a log that nobody reads.</summary>
    /// <exception cref="SqliteSinkException">It cannot be opened for writing. What may pass by itself (a lock, a full disk, damage) is no reason.</exception>
    public static void RequireUsable(string path)
    {
        try
        {
            Database.Open(path).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SqliteException { SqliteErrorCode: Database.ReadOnly or Database.CannotOpen })
        {
            throw new SqliteSinkException(Explain(path, e));
        }
        catch (SqliteException)
        {
            // The sink has an answer to that.
        }
    }

    private bool TryOpen()
    {
        try
        {
            _connection = Database.Open(_options.Path);
            _rows = new Rows(_connection);
            return true;
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            OnFailure(e);
            return false;
        }
    }

    private void OnFailure(Exception e)
    {
        CloseDatabase();
        if (e is SqliteException { SqliteErrorCode: Database.Corrupt or Database.NotADatabase } && TryMoveAside(e))
        {
            _retryAtMs = 0;
            return;
        }
        _pauseMs = Math.Min(MaxPauseMs, Math.Max(1000, _pauseMs * 2));
        _retryAtMs = NowMs() + _pauseMs;
        string trouble = Explain(_options.Path, e);
        if (Interlocked.Exchange(ref _trouble, trouble) != trouble)
        {
            _logger.LogError("{Trouble}; trying again, at most {Capacity} requests are held meanwhile", trouble, _options.QueueCapacity);
        }
    }

    private void Recover()
    {
        if (Interlocked.Exchange(ref _trouble, null) is not null)
        {
            _logger.LogInformation("{Path}: is written again", _options.Path);
        }
        _pauseMs = 0;
        _retryAtMs = 0;
    }

    /// <summary>A damaged file is kept for whoever wants to look at it, and a new one is begun: watching goes on.</summary>
    private bool TryMoveAside(Exception e)
    {
        try
        {
            string aside = Database.MoveAside(_options.Path);
            _logger.LogError("{Path}: is damaged ({Reason}); it was moved to {Aside} and a new one is begun. Delete it, or try sqlite3's .recover", _options.Path, Reason(e), aside);
            return true;
        }
        catch (Exception move) when (move is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Explain(string path, Exception e)
    {
        string hint = e is SqliteException sqlite ? sqlite.SqliteErrorCode switch
        {
            5 or 6 => "; another program holds it: close it",
            Database.ReadOnly => "; the file or its directory is read-only",
            13 => "; the disk is full: free some space or lower sinks.sqlite.max_bytes",
            Database.CannotOpen => "; check that its directory exists and may be written, or set sinks.sqlite.path",
            _ => string.Empty,
        } : "; name a file in a directory that can be written in sinks.sqlite.path";
        return $"{path}: cannot be written: {Reason(e)}{hint}";
    }

    // "SQLite Error 13: 'database or disk is full'." says it twice over.
    private static string Reason(Exception e)
    {
        string message = e.Message.ReplaceLineEndings(" ");
        int open = message.IndexOf('\'', StringComparison.Ordinal);
        int close = message.LastIndexOf('\'');
        return e is SqliteException && open >= 0 && close > open ? message[(open + 1)..close] : message;
    }

    private void CloseDatabase()
    {
        try
        {
            _rows?.Dispose();
            _connection?.Dispose();
        }
        catch (SqliteException)
        {
            // It failed already, and that was told.
        }
        _rows = null;
        _connection = null;
    }
}
