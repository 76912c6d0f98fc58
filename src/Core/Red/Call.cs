using KubeBpfBox.Core.History;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Core.Red;

/// <summary>Counts of one call in the open window.</summary>
internal sealed class Call(CallKey key)
{
    private RedCounts _window = new();

    public CallKey Key => key;

    /// <summary>Time of the newest transaction.</summary>
    public long LastSeenNs { get; private set; }

    public bool HasWindow => _window.Count != 0;

    public void Record(bool isError, in Transaction transaction, long nowNs)
    {
        LastSeenNs = nowNs;
        _window.Record(isError, in transaction, RedRules.DurationNs(in transaction));
    }

    public CallSnapshot PeekWindow() => new()
    {
        Key = key,
        Count = _window.Count,
        Errors = _window.Errors,
        RequestBytes = _window.RequestBytes,
        ResponseBytes = _window.ResponseBytes,
        Duration = _window.Duration.Clone(),
    };

    public CallSnapshot TakeWindow()
    {
        CallSnapshot taken = PeekWindow();
        _window.Clear();
        return taken;
    }
}
