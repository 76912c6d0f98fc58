namespace KubeBpfBox.Protocols.Http1;

/// <summary>A request whose response is not complete yet.</summary>
/// <remarks>Its text (method, target, host) and its packed trace context are in the queue's buffer: <see cref="TextStart"/> and the lengths say where.</remarks>
internal struct PendingRequest
{
    public long StartNs;
    public long StartOffset;

    /// <summary>What the client had received of the server's bytes when it began the request; below 0 when not known.</summary>
    public long StartPeerOffset;

    /// <summary>Offset after the last byte; -1 while the request is not complete.</summary>
    public long EndOffset;
    public long EndNs;
    public long Bytes;
    public long BodyBytes;
    public int TextStart;
    public ushort TargetLength;
    public ushort HostAt;
    public ushort HostLength;
    public ushort TraceContextAt;
    public byte MethodLength;
    public byte MinorVersion;

    /// <summary>A <c>traceparent</c> came: a second one makes both void.</summary>
    public bool HasTraceparent;
    public bool HasTraceContext;
    public bool IsHead;
    public bool IsConnect;
    public bool IsHeadTruncated;
    public bool IsBodyIncomplete;

    /// <summary>Reported as timed out: its response, should it come, is consumed silently.</summary>
    public bool IsReported;

    public readonly bool IsComplete => EndOffset >= 0;
}

/// <summary>The requests of one connection that wait for their response, oldest first, with their text.</summary>
/// <remarks>
/// Bounded: <see cref="Capacity"/> requests and <see cref="MaxTextBytes"/> of text; what does not fit is cut by the caller. An empty queue
/// holds no memory: most connections are between two requests most of the time. Allocates only to grow. Lifetime: spans of text end with
/// the next call that adds or drops.
/// </remarks>
internal sealed class RequestQueue(QueueMemory memory)
{
    /// <summary>Most requests kept.</summary>
    public const int Capacity = 64;

    /// <summary>Most text kept for a connection.</summary>
    public const int MaxTextBytes = 64 * 1024;

    /// <summary>Text that a connection has without asking the budget.</summary>
    public const int OrdinaryTextBytes = 2048;

    private PendingRequest[] _ring = [];
    private byte[] _text = [];
    private int _first;
    private int _textEnd;

    /// <summary>How many requests wait.</summary>
    public int Count { get; private set; }

    /// <summary>The one that waits longest.</summary>
    public ref PendingRequest Oldest => ref _ring[_first];

    /// <summary>The one that came last.</summary>
    public ref PendingRequest Newest => ref this[Count - 1];

    /// <summary>A request by age, 0 the oldest.</summary>
    public ref PendingRequest this[int index] => ref _ring[(_first + index) & (_ring.Length - 1)];

    /// <summary>Adds a cleared request; <see cref="Count"/> must be below <see cref="Capacity"/>.</summary>
    public ref PendingRequest Add()
    {
        Borrow();
        if (Count == _ring.Length)
        {
            Grow();
        }
        Count++;
        ref PendingRequest added = ref Newest;
        added = default;
        added.EndOffset = -1;
        added.TextStart = _textEnd;
        return ref added;
    }

    /// <summary>Drops the oldest.</summary>
    public void DropOldest()
    {
        _first = (_first + 1) & (_ring.Length - 1);
        if (--Count == 0)
        {
            GiveBack();
        }
    }

    /// <summary>Drops the newest.</summary>
    public void DropNewest()
    {
        _textEnd = Newest.TextStart;
        if (--Count == 0)
        {
            GiveBack();
        }
    }

    /// <summary>Makes sure that so many bytes of text can be appended, if that can be had at all.</summary>
    public bool TryEnsureRoom(int length)
    {
        Borrow();
        if (length > _text.Length - _textEnd)
        {
            MakeRoom(length);
        }
        return length <= _text.Length - _textEnd;
    }

    /// <summary>Text in use.</summary>
    public int UsedTextBytes => Count == 0 ? 0 : _textEnd - Oldest.TextStart;

    /// <summary>Appends to the newest request's text as much as there is room for.</summary>
    /// <param name="bytes">What to copy.</param>
    /// <param name="at">Where it went, from the request's <see cref="PendingRequest.TextStart"/>.</param>
    /// <returns>How many bytes were copied.</returns>
    public int AppendText(ReadOnlySpan<byte> bytes, out ushort at)
    {
        TryEnsureRoom(bytes.Length);
        at = (ushort)(_textEnd - Newest.TextStart);
        int length = Math.Min(bytes.Length, _text.Length - _textEnd);
        bytes[..length].CopyTo(_text.AsSpan(_textEnd));
        _textEnd += length;
        return length;
    }

    /// <summary>Text of a request.</summary>
    public ReadOnlySpan<byte> Text(scoped in PendingRequest request, int at, int length) => _text.AsSpan(request.TextStart + at, length);

    /// <summary>Forgets all requests.</summary>
    public void Clear()
    {
        Count = 0;
        GiveBack();
    }

    private void Borrow()
    {
        if (_ring.Length == 0)
        {
            memory.Rent(out _ring, out _text);
        }
    }

    private void GiveBack()
    {
        if (_ring.Length == 0)
        {
            return;
        }
        memory.Return(_ring, _text);
        _ring = [];
        _text = [];
        _first = _textEnd = 0;
    }

    private void Grow()
    {
        PendingRequest[] larger = new PendingRequest[_ring.Length * 2];
        for (int i = 0; i < Count; i++)
        {
            larger[i] = this[i];
        }
        _ring = larger;
        _first = 0;
    }

    /// <summary>Moves the text in use to the front, and takes a larger buffer when that is not enough and the budget has it.</summary>
    private void MakeRoom(int length)
    {
        int start = Count == 0 ? _textEnd : Oldest.TextStart;
        int used = _textEnd - start;
        int wanted = used + length;
        byte[] target = _text;
        if (wanted > _text.Length && _text.Length < MaxTextBytes)
        {
            int size = Math.Min(MaxTextBytes, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)wanted));
            if (size <= OrdinaryTextBytes || memory.TryTake(size))
            {
                memory.Release(_text.Length);
                target = GC.AllocateUninitializedArray<byte>(size);
            }
            else if (_text.Length < OrdinaryTextBytes)
            {
                target = GC.AllocateUninitializedArray<byte>(OrdinaryTextBytes);
            }
        }
        _text.AsSpan(start, used).CopyTo(target);
        _text = target;
        _textEnd = used;
        for (int i = 0; i < Count; i++)
        {
            this[i].TextStart -= start;
        }
    }
}
