using System.Buffers;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>The other end of a connection, as fields.</summary>
internal static class PeerFields
{
    /// <summary>The fields alone, each with a comma before it; empty for what could not be attributed.</summary>
    public static byte[] Escape(Workload peer)
    {
        ArrayBufferWriter<byte> buffer = new(256);
        LineWriter writer = new(buffer);
        writer.StartFieldsAlone();
        Write(ref writer, peer);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Adds them to a line.</summary>
    public static void Write(ref LineWriter writer, Workload peer)
    {
        if (!ReferenceEquals(peer, Workload.Unknown))
        {
            writer.Field("peer_namespace"u8, peer.Namespace);
            writer.Field("peer_podname"u8, peer.Pod);
            writer.Field("peer_servicename"u8, peer.Service);
            writer.Field("peer_workload"u8, peer.Name);
        }
    }
}
