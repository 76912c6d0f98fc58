using KubeBpfBox.Core.Accounting;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Rows of one kind that wait to be written. When there are too many the oldest go. Any thread may call.</summary>
internal sealed class WaitingRows<T>
    where T : notnull
{
    private readonly Queue<T> _rows = new();
    private readonly LedgerStage _stage;
    private readonly Counter _full;
    private readonly int _capacity;

    /// <param name="stage">Gets all counts, and the reason "queue_full".</param>
    /// <param name="capacity">Rows at most.</param>
    public WaitingRows(LedgerStage stage, int capacity)
    {
        (_stage, _capacity) = (stage, capacity);
        _full = stage.DropReason("queue_full");
        stage.Held = () =>
        {
            lock (_rows)
            {
                return _rows.Count;
            }
        };
    }

    /// <summary>Adds one.</summary>
    public void Add(T row)
    {
        lock (_rows)
        {
            _stage.In.Add(1);
            if (_rows.Count >= _capacity)
            {
                _rows.Dequeue();
                _full.Add(1);
            }
            _rows.Enqueue(row);
        }
    }

    /// <summary>The oldest, which stay until <see cref="Remove"/>.</summary>
    public T[] First(int count)
    {
        lock (_rows)
        {
            return [.. _rows.Take(count)];
        }
    }

    /// <summary>Takes out what was written, unless it had to go for lack of room meanwhile.</summary>
    public void Remove(T[] written)
    {
        lock (_rows)
        {
            foreach (T row in written)
            {
                if (_rows.TryPeek(out T? first) && first.Equals(row))
                {
                    _rows.Dequeue();
                    _stage.Out.Add(1);
                }
            }
        }
    }

    /// <summary>Counts all as lost.</summary>
    public void GiveUp()
    {
        lock (_rows)
        {
            _full.Add(_rows.Count);
            _rows.Clear();
        }
    }
}

/// <summary>What a series or a call counted in one window; two are equal when they are the same one.</summary>
internal readonly record struct WindowRow<T>(long StartS, T Counted);
