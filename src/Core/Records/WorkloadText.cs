namespace KubeBpfBox.Core.Records;

/// <summary>A workload in a line for people: "namespace/pod", "namespace/service", "name".</summary>
internal static class WorkloadText
{
    /// <summary>Appends it.</summary>
    /// <param name="sink">Where to.</param>
    /// <param name="workload">Who.</param>
    /// <param name="endpoint">Shown for what is only known to be outside.</param>
    public static void Write(ref Utf8Sink sink, Workload workload, Endpoint endpoint)
    {
        if (workload.Kind == "External")
        {
            sink.Endpoint(endpoint);
            return;
        }
        if (workload.Namespace is { } @namespace)
        {
            sink.TerminalText(@namespace);
            sink.Byte((byte)'/');
        }
        sink.TerminalText(workload.Pod ?? workload.Name);
    }

    /// <summary>Characters that <see cref="Write"/> appends, where names have nothing that is escaped.</summary>
    public static int LengthOf(Workload workload, Endpoint endpoint) => workload.Kind == "External"
        ? LengthOf(endpoint)
        : (workload.Namespace is { } @namespace ? @namespace.Length + 1 : 0) + (workload.Pod ?? workload.Name).Length;

    /// <summary>Characters of an address and port.</summary>
    public static int LengthOf(Endpoint endpoint)
    {
        Span<byte> text = stackalloc byte[Endpoint.MaxTextLength];
        return EndpointText.Format(endpoint, text);
    }

    /// <summary>Appends it, or its address when it is not known.</summary>
    public static void WriteOrAddress(ref Utf8Sink sink, Workload workload, Endpoint endpoint)
    {
        if (ReferenceEquals(workload, Workload.Unknown))
        {
            sink.Endpoint(endpoint);
        }
        else
        {
            Write(ref sink, workload, endpoint);
        }
    }
}
