namespace KubeBpfBox.Fuzz;

/// <summary>Something that takes bytes from outside and must stand whatever they are.</summary>
public interface IFuzzTarget
{
    /// <summary>Its name on the command line, and the start of the names of its crash files.</summary>
    string Name { get; }

    /// <summary>Good inputs to start from.</summary>
    IEnumerable<byte[]> Seeds();

    /// <summary>Takes one input; throws when something does not hold.</summary>
    void Run(byte[] input);
}

/// <summary>What does not hold.</summary>
public sealed class FuzzException(string message) : Exception(message)
{
    /// <summary>Throws unless a condition holds.</summary>
    public static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new FuzzException(what);
        }
    }
}

/// <summary>The one list of targets.</summary>
public static class FuzzTargets
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IFuzzTarget> All { get; } =
    [
        new CaptureTarget(), new Http1Target(), new TransactionJsonTarget(), new RouteTarget(), new HistogramTarget(), new AttributesTarget(), new SpoolTarget(), new OtlpTarget(),
    ];
}
