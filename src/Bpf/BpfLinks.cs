namespace KubeBpfBox.Bpf;

/// <summary>The links of one owner, which end together.</summary>
/// <remarks>Threads: for one at a time. Detaching twice is harmless; links may be added again afterwards.</remarks>
public sealed class BpfLinks : IDisposable
{
    private readonly List<BpfLink> _links = [];

    /// <summary>Takes a link over.</summary>
    public void Add(BpfLink link) => _links.Add(link);

    /// <summary>Detaches them, oldest first.</summary>
    public void Dispose()
    {
        foreach (BpfLink link in _links)
        {
            link.Dispose();
        }
        _links.Clear();
    }
}
