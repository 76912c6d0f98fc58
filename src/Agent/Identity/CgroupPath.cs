using System.Buffers;
using System.Text;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Identity;

/// <summary>What a cgroup's path says about who runs in it.</summary>
public enum CgroupKind
{
    /// <summary>Nobody in particular: the root, a slice, a login session, an opaque sandbox.</summary>
    None,

    /// <summary>A systemd service or socket unit.</summary>
    Unit,

    /// <summary>A container.</summary>
    Container,
}

/// <summary>Reads the path of a cgroup, version 1 or 2, as systemd and the container runtimes lay it out.</summary>
/// <param name="Kind">What was found; a container is told before a unit, the innermost before those around it.</param>
/// <param name="Name">What to show: the unit, the first 12 digits of the container id, the name of an LXC container; empty for none.</param>
/// <remarks>
/// Shape: segments between slashes. A container is a segment of 64 hex digits, alone (cgroupfs driver: Docker, containerd, the kubelet) or as
/// "runtime-ID.scope" (systemd driver: docker, cri-containerd, crio, libpod, nerdctl) or "slice:runtime:ID" (systemd's form given to cgroupfs);
/// or follows "lxc" or "lxc.payload". Shorter hex names are not ids: sandboxes and jobs use them.
/// Errors: none; any bytes are a path, at worst one that says nothing. Lifetime: plain values.
/// </remarks>
public readonly record struct CgroupPath(CgroupKind Kind, string Name)
{
    private const int ContainerIdLength = 64;
    private const int ShortIdLength = 12;

    /// <summary>No kernel makes longer names (NAME_MAX); a bound on what is decoded.</summary>
    private const int MaxSegmentLength = 255;

    private static readonly SearchValues<byte> s_hexDigits = SearchValues.Create("0123456789abcdef"u8);

    /// <summary>A path that says nothing.</summary>
    public static CgroupPath Nobody { get; } = new(CgroupKind.None, string.Empty);

    /// <summary>True when it names nobody, not even a pod.</summary>
    public bool IsNobody => Kind == CgroupKind.None && PodUid is null;

    /// <summary>Container id, whole; null for other kinds.</summary>
    public string? ContainerId { get; init; }

    /// <summary>Uid of the Kubernetes pod around it, with dashes; null when there is none. May be known where the kind is none.</summary>
    public string? PodUid { get; init; }

    /// <summary>Reads a path, relative to the mount or not.</summary>
    public static CgroupPath Parse(ReadOnlySpan<byte> path)
    {
        // "/proc/<pid>/cgroup" marks a removed cgroup so: kernel/cgroup/cgroup.c, proc_cgroup_show.
        if (path.EndsWith(" (deleted)"u8))
        {
            path = path[..^10];
        }
        ReadOnlySpan<byte> container = default;
        ReadOnlySpan<byte> unit = default;
        ReadOnlySpan<byte> pod = default;
        ReadOnlySpan<byte> previous = default;
        foreach (Range range in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> segment = path[range];
            if (segment.IsEmpty || segment.Length > MaxSegmentLength)
            {
                continue;
            }
            if (TryContainer(segment, previous, out ReadOnlySpan<byte> found))
            {
                container = found;
            }
            else if (TryPod(segment, out found))
            {
                pod = found;
            }
            else if (IsUnit(segment))
            {
                unit = segment;
            }
            previous = segment;
        }
        return Make(container, unit, pod);
    }

    /// <summary>Reads "/proc/&lt;pid&gt;/cgroup": the hierarchy that says most wins.</summary>
    /// <remarks>Shape: lines of "id:controllers:path"; the path itself may hold colons. A last line without its end was cut off and is left out.</remarks>
    public static CgroupPath ParseProcess(ReadOnlySpan<byte> lines)
    {
        CgroupPath best = Nobody;
        int end;
        while ((end = lines.IndexOf((byte)'\n')) >= 0)
        {
            ReadOnlySpan<byte> line = lines[..end];
            lines = lines[(end + 1)..];
            int path = line.IndexOf((byte)'/');
            if (path < 0)
            {
                continue;
            }
            CgroupPath found = Parse(line[path..]);
            if (found.Kind > best.Kind || (found.Kind == best.Kind && best.PodUid is null && found.PodUid is not null))
            {
                best = found;
            }
        }
        return best;
    }

    private static CgroupPath Make(ReadOnlySpan<byte> container, ReadOnlySpan<byte> unit, ReadOnlySpan<byte> pod)
    {
        string? podUid = pod.IsEmpty ? null : Encoding.UTF8.GetString(pod).Replace('_', '-');
        if (!container.IsEmpty)
        {
            string id = Unescape(container);
            return new CgroupPath(CgroupKind.Container, IsContainerId(container) ? id[..ShortIdLength] : id) { ContainerId = id, PodUid = podUid };
        }
        return unit.IsEmpty
            ? new CgroupPath(CgroupKind.None, string.Empty) { PodUid = podUid }
            : new CgroupPath(CgroupKind.Unit, Unescape(unit)) { PodUid = podUid };
    }

    private static bool TryContainer(ReadOnlySpan<byte> segment, ReadOnlySpan<byte> previous, out ReadOnlySpan<byte> id)
    {
        id = default;
        if (segment.StartsWith("lxc.payload."u8))
        {
            id = segment["lxc.payload."u8.Length..];
        }
        else if (previous.SequenceEqual("lxc"u8) || previous.SequenceEqual("lxc.payload"u8))
        {
            id = segment;
        }
        else
        {
            ReadOnlySpan<byte> name = segment.EndsWith(".scope"u8) ? segment[..^6] : segment;
            int separator = name.LastIndexOfAny("-:_"u8);
            ReadOnlySpan<byte> runtime = separator < 0 ? default : name[..separator];
            ReadOnlySpan<byte> candidate = name[(separator + 1)..];
            // conmon is a container's monitor, outside of it; a podman pod only groups containers.
            if (IsContainerId(candidate) && !runtime.EndsWith("conmon"u8) && !runtime.EndsWith("_pod"u8))
            {
                id = candidate;
            }
        }
        return !id.IsEmpty;
    }

    private static bool IsContainerId(ReadOnlySpan<byte> text) => text.Length == ContainerIdLength && !text.ContainsAnyExcept(s_hexDigits);

    /// <summary>"pod1234…" (cgroupfs driver) or "kubepods-burstable-pod1234….slice" (systemd driver, "_" for "-").</summary>
    private static bool TryPod(ReadOnlySpan<byte> segment, out ReadOnlySpan<byte> uid)
    {
        uid = default;
        bool isSlice = segment.EndsWith(".slice"u8);
        ReadOnlySpan<byte> name = isSlice ? segment[..^6] : segment;
        int at = isSlice ? name.LastIndexOf("-pod"u8) + 1 : 0;
        if (!name[at..].StartsWith("pod"u8))
        {
            return false;
        }
        uid = name[(at + 3)..];
        return IsUid(uid);
    }

    /// <summary>A UUID, or the 32 hex digits that the kubelet gives to a pod from a file.</summary>
    private static bool IsUid(ReadOnlySpan<byte> text)
    {
        if (text.Length == 32)
        {
            return !text.ContainsAnyExcept(s_hexDigits);
        }
        if (text.Length != 36)
        {
            return false;
        }
        for (int i = 0; i < text.Length; i++)
        {
            bool fits = i is 8 or 13 or 18 or 23 ? text[i] is (byte)'-' or (byte)'_' : s_hexDigits.Contains(text[i]);
            if (!fits)
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Services and sockets. Scopes are named after sessions, process ids and random numbers, and "user@1000.service" is all that a user runs: the process says more.</summary>
    private static bool IsUnit(ReadOnlySpan<byte> segment)
    {
        if (segment.EndsWith(".socket"u8))
        {
            return segment.Length > ".socket"u8.Length;
        }
        return segment.EndsWith(".service"u8) && segment.Length > ".service"u8.Length && !segment.StartsWith("user@"u8);
    }

    /// <summary>Undoes systemd's "\x2d". Only printable ASCII is unescaped, and no slash, so that a name stays a name.</summary>
    private static string Unescape(ReadOnlySpan<byte> segment)
    {
        Span<byte> plain = stackalloc byte[MaxSegmentLength];
        int length = 0;
        while (!segment.IsEmpty)
        {
            byte next = segment[0];
            int taken = 1;
            if (segment.Length >= 4 && next == '\\' && segment[1] == 'x' && TryHex(segment[2], out int high) && TryHex(segment[3], out int low)
                && (high << 4 | low) is > 0x20 and < 0x7f and not '/' and int code)
            {
                next = (byte)code;
                taken = 4;
            }
            plain[length++] = next;
            segment = segment[taken..];
        }
        return PrintableText.Decode(plain[..length]);
    }

    private static bool TryHex(byte digit, out int value)
    {
        value = digit switch
        {
            >= (byte)'0' and <= (byte)'9' => digit - '0',
            >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
            >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
            _ => -1,
        };
        return value >= 0;
    }
}
