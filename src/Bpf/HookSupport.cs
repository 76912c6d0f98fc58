namespace KubeBpfBox.Bpf;

/// <summary>Whether a way to attach exists here.</summary>
/// <param name="IsSupported">It was tried and works.</param>
/// <param name="Reason">Why not, in the kernel's words where it has some; null when it works.</param>
public readonly record struct HookSupport(bool IsSupported, string? Reason)
{
    internal static readonly HookSupport Yes = new(true, null);

    internal static HookSupport No(string reason) => new(false, reason);

    /// <inheritdoc/>
    public override string ToString() => IsSupported ? "yes" : $"no: {Reason}";
}
