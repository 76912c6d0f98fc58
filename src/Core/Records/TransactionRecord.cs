using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Core.Records;

/// <summary>An owned copy of a <see cref="Transaction"/>, to hand from the parse thread to another.</summary>
/// <remarks>
/// Lifetime: rented from a <see cref="TransactionRecordPool"/>; whoever holds it calls <see cref="TransactionRecordPool.Return"/> once per
/// reference and reads nothing afterwards. <see cref="AsTransaction"/> aliases the record's memory.
/// </remarks>
public sealed class TransactionRecord
{
    /// <summary>Buffers of at most this many bytes stay with a returned record.</summary>
    internal const int OrdinaryBytes = 512;

    private readonly Connection _connection = new();
    private byte[] _buffer = [];
    private int _methodEnd;
    private int _targetEnd;
    private int _hostEnd;
    private int _attributesEnd;
    private string _protocol = string.Empty;
    private string? _version;
    private string? _error;
    private Side _clientSide;
    private TransactionFlags _flags;
    private int _status;
    private long _startNs;
    private long _durationNs;
    private long _timeToFirstByteNs;
    private long _requestBytes;
    private long _responseBytes;
    private long _requestBodyBytes;
    private long _responseBodyBytes;

    /// <summary>References that are left; the pool's.</summary>
    internal int References;

    /// <summary>What the record's buffer was counted as against the pool's budget.</summary>
    internal int ChargedBytes;

    /// <summary>When the transaction started: nanoseconds since the Unix epoch.</summary>
    public long StartNs => _startNs;

    /// <summary>Duration in nanoseconds, -1 when not known.</summary>
    public long DurationNs => _durationNs;

    /// <summary>Who is at the end where it was seen.</summary>
    public Workload Workload => _connection.Workload;

    /// <summary>Bytes that a transaction's variable parts take.</summary>
    public static int VariableBytes(in Transaction transaction) =>
        transaction.Method.Length + transaction.Target.Length + transaction.Host.Length + transaction.Attributes.Length;

    /// <summary>Copies a transaction.</summary>
    public void Set(in Transaction transaction)
    {
        int bytes = VariableBytes(in transaction);
        if (_buffer.Length < bytes)
        {
            _buffer = new byte[Math.Max(bytes, OrdinaryBytes)];
        }
        _methodEnd = Append(0, transaction.Method);
        _targetEnd = Append(_methodEnd, transaction.Target);
        _hostEnd = Append(_targetEnd, transaction.Host);
        _attributesEnd = Append(_hostEnd, transaction.Attributes);

        Connection from = transaction.Connection;
        _connection.Id = from.Id;
        _connection.A = from.A;
        _connection.B = from.B;
        _connection.ObservedAt = from.ObservedAt;
        _connection.FromStart = from.FromStart;
        _connection.Workload = from.Workload;
        _connection.Peer = from.Peer;

        _protocol = transaction.Protocol;
        _version = transaction.Version;
        _error = transaction.Error;
        _clientSide = transaction.ClientSide;
        _flags = transaction.Flags;
        _status = transaction.Status;
        _startNs = transaction.StartNs;
        _durationNs = transaction.DurationNs;
        _timeToFirstByteNs = transaction.TimeToFirstByteNs;
        _requestBytes = transaction.RequestBytes;
        _responseBytes = transaction.ResponseBytes;
        _requestBodyBytes = transaction.RequestBodyBytes;
        _responseBodyBytes = transaction.ResponseBodyBytes;
    }

    /// <summary>The copy, in the form that writers take. Aliases this record.</summary>
    public Transaction AsTransaction() => new()
    {
        Connection = _connection,
        Protocol = _protocol,
        ClientSide = _clientSide,
        StartNs = _startNs,
        DurationNs = _durationNs,
        TimeToFirstByteNs = _timeToFirstByteNs,
        Method = _buffer.AsSpan(0, _methodEnd),
        Target = _buffer.AsSpan(_methodEnd, _targetEnd - _methodEnd),
        Host = _buffer.AsSpan(_targetEnd, _hostEnd - _targetEnd),
        Version = _version,
        Status = _status,
        RequestBytes = _requestBytes,
        ResponseBytes = _responseBytes,
        RequestBodyBytes = _requestBodyBytes,
        ResponseBodyBytes = _responseBodyBytes,
        Error = _error,
        Flags = _flags,
        Attributes = _buffer.AsSpan(_hostEnd, _attributesEnd - _hostEnd),
    };

    /// <summary>Lets go of what is large or shared.</summary>
    internal void Clear()
    {
        _connection.Workload = _connection.Peer = Workload.Unknown;
        if (_buffer.Length > OrdinaryBytes)
        {
            _buffer = [];
        }
    }

    private int Append(int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(at));
        return at + bytes.Length;
    }
}

/// <summary>A bounded stock of records: at most so many, and so many bytes, are out at once.</summary>
/// <remarks>Any thread may call.</remarks>
public sealed class TransactionRecordPool(int capacity, long maxBytes)
{
    private readonly Lock _lock = new();
    private readonly Stack<TransactionRecord> _free = new();
    private int _out;
    private long _bytesOut;

    /// <summary>How many records are out.</summary>
    public int Out
    {
        get
        {
            lock (_lock)
            {
                return _out;
            }
        }
    }

    /// <summary>Copies a transaction into a record that <paramref name="references"/> holders will return.</summary>
    /// <returns>Null when the stock or its byte budget is used up.</returns>
    public TransactionRecord? TryRent(in Transaction transaction, int references)
    {
        int bytes = Math.Max(TransactionRecord.VariableBytes(in transaction), TransactionRecord.OrdinaryBytes);
        TransactionRecord? record;
        lock (_lock)
        {
            if (_out >= capacity || _bytesOut + bytes > maxBytes)
            {
                return null;
            }
            _out++;
            _bytesOut += bytes;
            if (!_free.TryPop(out record))
            {
                record = new TransactionRecord();
            }
        }
        record.ChargedBytes = bytes;
        record.References = references;
        record.Set(in transaction);
        return record;
    }

    /// <summary>Gives one reference back.</summary>
    public void Return(TransactionRecord record)
    {
        if (Interlocked.Decrement(ref record.References) > 0)
        {
            return;
        }
        record.Clear();
        lock (_lock)
        {
            _out--;
            _bytesOut -= record.ChargedBytes;
            _free.Push(record);
        }
    }
}
