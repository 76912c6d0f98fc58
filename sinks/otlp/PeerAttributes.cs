using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.Otlp;

/// <summary>Who is at the other end, as far as it is known.</summary>
/// <remarks>Source: semantic conventions, "General attributes": service.peer.*, and peer.service, its older name, which service graphs read from a client's span.</remarks>
internal static class PeerAttributes
{
    public static void Write(ProtoWriter writer, int field, Workload peer, bool isClient)
    {
        if (isClient)
        {
            writer.Attribute(field, "peer.service"u8, peer.Name);
        }
        writer.Attribute(field, "service.peer.name"u8, peer.Name);
        writer.Attribute(field, "service.peer.namespace"u8, peer.Namespace);
        writer.Attribute(field, "kubebpfbox.peer.pod"u8, peer.Pod);
        writer.Attribute(field, "kubebpfbox.peer.service"u8, peer.Service);
        writer.Attribute(field, "kubebpfbox.peer.node"u8, peer.Node);
    }
}
