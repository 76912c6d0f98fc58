using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Events;

namespace KubeBpfBox.Core.Records;

/// <summary>Which transactions and events somebody wants to see. Unset conditions hold for all.</summary>
/// <remarks>Lifetime: built once, then only read; <see cref="Matches"/> allocates nothing.</remarks>
public sealed class TransactionFilter
{
    private readonly byte[]? _method;

    /// <summary>Passes everything.</summary>
    public static TransactionFilter All { get; } = new();

    /// <summary>Protocol name, as in output.</summary>
    public string? Protocol { get; init; }

    /// <summary>"client" or "server".</summary>
    public string? Role { get; init; }

    /// <summary>Method token; compared without regard to case.</summary>
    public string? Method
    {
        get => _method is null ? null : Encoding.ASCII.GetString(_method);
        init => _method = value is null ? null : Encoding.ASCII.GetBytes(value);
    }

    /// <summary>Lowest status wanted; 0 for any, unanswered ones included.</summary>
    public int StatusFrom { get; init; }

    /// <summary>Highest status wanted.</summary>
    public int StatusTo { get; init; } = int.MaxValue;

    /// <summary>Only what took longer, in nanoseconds; -1 for any. Unanswered requests have no duration and do not match.</summary>
    public long SlowerThanNs { get; init; } = -1;

    /// <summary>Workload's name.</summary>
    public string? Workload { get; init; }

    /// <summary>Kubernetes namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>Pod's name.</summary>
    public string? Pod { get; init; }

    /// <summary>True when no condition is set.</summary>
    public bool IsEmpty => Protocol is null && Role is null && _method is null && StatusFrom == 0 && StatusTo == int.MaxValue
        && SlowerThanNs < 0 && Workload is null && Namespace is null && Pod is null;

    /// <summary>Reads "404" or "5xx".</summary>
    public static bool TryParseStatus(ReadOnlySpan<char> text, out int from, out int to)
    {
        from = to = 0;
        if (text.Length != 3 || text[0] is < '1' or > '5')
        {
            return false;
        }
        if (text[1..].Equals("xx", StringComparison.OrdinalIgnoreCase))
        {
            from = (text[0] - '0') * 100;
            to = from + 99;
            return true;
        }
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out from))
        {
            return false;
        }
        to = from;
        return true;
    }

    /// <summary>True when all conditions hold.</summary>
    public bool Matches(in Transaction transaction)
    {
        if (transaction.Status < StatusFrom || transaction.Status > StatusTo || transaction.DurationNs <= SlowerThanNs && SlowerThanNs >= 0)
        {
            return false;
        }
        if (Protocol is not null && !string.Equals(Protocol, transaction.Protocol, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }
        if (Role is not null && !string.Equals(Role, transaction.Connection.RoleOf(transaction.ClientSide), StringComparison.Ordinal))
        {
            return false;
        }
        if (_method is not null && !Ascii.EqualsIgnoreCase(_method, transaction.Method))
        {
            return false;
        }
        return MatchesOwner(transaction.Connection.Workload);
    }

    /// <summary>True when all conditions hold; an event has no protocol, role, method, status or duration.</summary>
    public bool Matches(NodeEvent happened) =>
        Protocol is null && Role is null && _method is null && StatusFrom == 0 && StatusTo == int.MaxValue && SlowerThanNs < 0 && MatchesOwner(happened.Workload);

    private bool MatchesOwner(Workload owner)
    {
        return (Workload is null || string.Equals(Workload, owner.Name, StringComparison.Ordinal))
            && (Namespace is null || string.Equals(Namespace, owner.Namespace, StringComparison.Ordinal))
            && (Pod is null || string.Equals(Pod, owner.Pod, StringComparison.Ordinal));
    }
}
