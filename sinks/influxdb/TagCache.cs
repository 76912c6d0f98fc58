using System.Text;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Sinks.InfluxDb;

/// <summary>Start of the line of each workload's requests, and the fields that name it as the other end: escaped once, used for each request.</summary>
/// <remarks>At most <see cref="MaxEntries"/> of each, found by reference; emptied when full. Used by one thread.</remarks>
internal sealed class TagCache(string node)
{
    /// <summary>Entries at most; they keep the workloads they were made of.</summary>
    public const int MaxEntries = 8192;

    private readonly Dictionary<Series, SeriesTags> _series = [];
    private readonly Dictionary<Workload, byte[]> _peers = new(ReferenceEqualityComparer.Instance);

    /// <summary>Measurement and tags of a workload's requests.</summary>
    public SeriesTags TrafficOf(Workload workload, string protocol, string? role)
    {
        Series key = new(workload, protocol, role);
        if (_series.TryGetValue(key, out SeriesTags found))
        {
            return found;
        }
        MakeRoom(_series);
        PointTags tags = PointTags.Of(workload, node) with { Type = protocol, Flow = PointTags.FlowOf(role) };
        return _series[key] = SeriesTags.From(tags.Escape("traffic"u8));
    }

    /// <summary>Fields that name the other end, each with a comma before it; empty when it is not known.</summary>
    public ReadOnlySpan<byte> PeerOf(Workload peer)
    {
        if (!_peers.TryGetValue(peer, out byte[]? found))
        {
            MakeRoom(_peers);
            found = _peers[peer] = PeerFields.Escape(peer);
        }
        return found;
    }

    private static void MakeRoom<TKey, TValue>(Dictionary<TKey, TValue> entries)
        where TKey : notnull
    {
        if (entries.Count >= MaxEntries)
        {
            entries.Clear();
        }
    }

    // Records compare by value, which costs more than a line does.
    private readonly struct Series(Workload workload, string protocol, string? role) : IEquatable<Series>
    {
        private readonly Workload _workload = workload;
        private readonly string _protocol = protocol;
        private readonly string? _role = role;

        public bool Equals(Series other) => ReferenceEquals(_workload, other._workload) && _protocol == other._protocol && _role == other._role;

        public override bool Equals(object? obj) => obj is Series other && Equals(other);

        public override int GetHashCode() =>
            System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(_workload) ^ (_role is null ? 0 : _role.Length << 28) ^ (_protocol.Length << 24);
    }
}

/// <summary>Measurement and tags, and a hash of them.</summary>
/// <param name="Escaped">As a line starts.</param>
/// <param name="Hash">Of <paramref name="Escaped"/>: other workloads of the same names have the same.</param>
internal readonly record struct SeriesTags(byte[] Escaped, ulong Hash)
{
    public static SeriesTags From(string escaped)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(escaped);
        // FNV-1a, 64 bits.
        ulong hash = 14_695_981_039_346_656_037;
        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * 1_099_511_628_211;
        }
        return new SeriesTags(bytes, hash);
    }
}
