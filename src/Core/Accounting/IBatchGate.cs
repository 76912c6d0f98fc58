namespace KubeBpfBox.Core.Accounting;

/// <summary>Held by the thread that parses while it works on a batch, so that others read aggregates between batches, never inside one.</summary>
public interface IBatchGate
{
    /// <summary>Begins a batch.</summary>
    void Enter();

    /// <summary>Ends it.</summary>
    void Exit();
}
