namespace KubeBpfBox.Core.Records;

/// <summary>A workload as a JSON object, as in a transaction's "source" and "destination".</summary>
internal static class WorkloadJson
{
    /// <summary>Appends a member, but not for <see cref="Workload.Unknown"/>'s instance.</summary>
    public static void WriteIfKnown(ref Utf8Sink sink, ReadOnlySpan<byte> name, Workload workload)
    {
        if (!ReferenceEquals(workload, Workload.Unknown))
        {
            Write(ref sink, name, workload);
        }
    }

    /// <summary>Appends a member.</summary>
    public static void Write(ref Utf8Sink sink, ReadOnlySpan<byte> name, Workload workload)
    {
        sink.Raw(name);
        sink.Raw("{\"workload\":"u8);
        sink.JsonString(workload.Name);
        Text(ref sink, ",\"kind\":"u8, workload.Kind);
        Text(ref sink, ",\"namespace\":"u8, workload.Namespace);
        Text(ref sink, ",\"pod\":"u8, workload.Pod);
        Text(ref sink, ",\"pod_uid\":"u8, workload.PodUid);
        Text(ref sink, ",\"container\":"u8, workload.Container);
        Text(ref sink, ",\"container_id\":"u8, workload.ContainerId);
        Text(ref sink, ",\"service\":"u8, workload.Service);
        Text(ref sink, ",\"node\":"u8, workload.Node);
        Text(ref sink, ",\"process\":"u8, workload.ProcessName);
        if (workload.ProcessId > 0)
        {
            sink.Raw(",\"pid\":"u8);
            sink.Number(workload.ProcessId);
        }
        sink.Raw(",\"identity\":"u8);
        sink.JsonString(workload.Source);
        sink.Byte((byte)'}');
    }

    private static void Text(ref Utf8Sink sink, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            sink.Raw(name);
            sink.JsonString(value);
        }
    }
}
