using System.Globalization;
using Microsoft.Data.Sqlite;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>The file: how it is opened, and its tables.</summary>
internal static class Database
{
    /// <summary>Marks the file as ours ("KBPB"), at offset 68 of its header.</summary>
    internal const int ApplicationId = 0x4B42_5042;

    // How long a statement waits for another program's lock before the writer gives up for this time.
    private const int LockWaitSeconds = 1;

    internal const int ReadOnly = 8;
    internal const int Corrupt = 11;
    internal const int CannotOpen = 14;
    internal const int NotADatabase = 26;

    /// <summary>Opens for writing, and makes or checks the tables.</summary>
    /// <exception cref="SqliteSinkException">The file is not ours, or is of a newer version: it is left alone.</exception>
    /// <exception cref="SqliteException">Anything else: locked, damaged, no space, no permission.</exception>
    public static SqliteConnection Open(string path)
    {
        RefuseForeignFile(path);
        string? directory = Path.GetDirectoryName(Path.GetFullPath(path));
        if (directory is not null)
        {
            Directory.CreateDirectory(directory);
        }
        MakePrivate(path);
        SqliteConnection connection = new(ConnectionString(path, SqliteOpenMode.ReadWriteCreate));
        try
        {
            connection.Open();
            Prepare(connection, path);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A new file is for its owner only: targets with their queries are in it. Its journal gets the same mode from SQLite.</summary>
    private static void MakePrivate(string path)
    {
        try
        {
            using FileStream made = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is there; or it cannot be made, and SQLite says why.
        }
    }

    /// <summary>Opens for reading beside the writer.</summary>
    public static SqliteConnection OpenToRead(string path)
    {
        SqliteConnection connection = new(ConnectionString(path, SqliteOpenMode.ReadOnly));
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA cache_size = -512");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Puts a damaged database of ours out of the way, with its journal; a new one is made at the next opening.</summary>
    /// <returns>Where it is now.</returns>
    public static string MoveAside(string path)
    {
        string aside = path + DateTime.UtcNow.ToString("'.damaged-'yyyyMMdd'T'HHmmssfff", CultureInfo.InvariantCulture);
        File.Move(path, aside);
        foreach (string suffix in (ReadOnlySpan<string>)["-wal", "-shm"])
        {
            if (File.Exists(path + suffix))
            {
                File.Move(path + suffix, aside + suffix);
            }
        }
        return aside;
    }

    public static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static long Scalar(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() is long value ? value : 0;
    }

    private static string ConnectionString(string path, SqliteOpenMode mode) =>
        new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = LockWaitSeconds }.ToString();

    private static void Prepare(SqliteConnection connection, string path)
    {
        long version = Scalar(connection, "PRAGMA user_version");
        if (version > Schema.Version)
        {
            throw new SqliteSinkException($"{path}: was written by a newer kubebpfbox (tables of version {version}, this one knows {Schema.Version}); name another file in sinks.sqlite.path or use the newer program");
        }
        if (version == 0)
        {
            // Only before the first table can it be set.
            Execute(connection, "PRAGMA auto_vacuum = INCREMENTAL");
        }
        if (version < Schema.Version)
        {
            // Of a new file before write-ahead logging: the mark must stand in the file itself, or a killed agent would not know its own file again.
            using SqliteTransaction transaction = connection.BeginTransaction();
            Execute(connection, Schema.From(version) + $"PRAGMA application_id = {ApplicationId};");
            transaction.Commit();
        }
        Execute(connection, "PRAGMA journal_mode = WAL");
        // A crash of the machine may lose the last seconds, never the file (sqlite.org/pragma.html#pragma_synchronous).
        Execute(connection, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024; PRAGMA journal_size_limit = 1048576; PRAGMA wal_autocheckpoint = 256");
    }

    /// <summary>A wrong path must not cost anybody a file: only an empty file or a database of ours is written to.</summary>
    private static void RefuseForeignFile(string path)
    {
        if (Directory.Exists(path))
        {
            throw new SqliteSinkException($"{path}: is a directory; name a file in sinks.sqlite.path");
        }
        if (!File.Exists(path))
        {
            return;
        }
        Span<byte> header = stackalloc byte[100];
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        int length = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (length == 0)
        {
            return;
        }
        if (!header[..length].StartsWith("SQLite format 3\0"u8))
        {
            throw new SqliteSinkException($"{path}: is not an SQLite database and was left alone; move it away, or name another file in sinks.sqlite.path");
        }
        int applicationId = length < 72 ? 0 : System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(header[68..]);
        if (applicationId is not ApplicationId)
        {
            throw new SqliteSinkException($"{path}: is an SQLite database of another program and was left alone; name another file in sinks.sqlite.path");
        }
    }
}
