using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Events;

namespace KubeBpfBox.Sinks.Sqlite;

/// <summary>Events that wait to be written.</summary>
public sealed partial class SqliteSink
{
    /// <summary>Events are few; more than this only when the database is away for long.</summary>
    private const int MaxPendingEvents = 4096;

    private readonly LedgerStage _eventStage;
    private readonly Counter _eventExpired;
    private readonly Queue<NodeEvent> _pendingEvents = new();

    /// <inheritdoc/>
    public void OnEvent(NodeEvent happened)
    {
        lock (_pendingEvents)
        {
            _eventStage.In.AddShared(1);
            if (_pendingEvents.Count >= MaxPendingEvents)
            {
                _pendingEvents.Dequeue();
                _eventExpired.AddShared(1);
            }
            _pendingEvents.Enqueue(happened);
        }
    }

    private long PendingEvents()
    {
        lock (_pendingEvents)
        {
            return _pendingEvents.Count;
        }
    }

    private NodeEvent[] FirstEvents()
    {
        lock (_pendingEvents)
        {
            return [.. _pendingEvents.Take(BatchRows)];
        }
    }

    /// <summary>Takes out what was written, unless it had to go for lack of room meanwhile.</summary>
    private void RemoveEvents(NodeEvent[] written)
    {
        lock (_pendingEvents)
        {
            foreach (NodeEvent happened in written)
            {
                if (_pendingEvents.TryPeek(out NodeEvent? first) && ReferenceEquals(first, happened))
                {
                    _pendingEvents.Dequeue();
                    _eventStage.Out.AddShared(1);
                }
            }
        }
    }

    private void GiveUpEvents()
    {
        lock (_pendingEvents)
        {
            _eventExpired.AddShared(_pendingEvents.Count);
            _pendingEvents.Clear();
        }
    }
}
