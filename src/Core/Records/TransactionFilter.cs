using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Core.Records;

/// <summary>Which transactions and events somebody wants to see. Unset conditions hold for all.</summary>
/// <remarks>Lifetime: built once, then only read; <see cref="Matches"/> allocates nothing.</remarks>
public sealed class TransactionFilter
{
    private readonly byte[]? _method;
    private readonly CaselessText? _text;

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

    /// <summary>Route, as <see cref="RouteTemplate"/> makes it of the target: "/users/{id}".</summary>
    public string? Route { get; init; }

    /// <summary>
    /// Part of the target, of the host, or of the name of a workload, namespace, pod or process at either end; case of ASCII letters does not matter.
    /// </summary>
    public string? Text
    {
        get => _text?.Text;
        init => _text = string.IsNullOrEmpty(value) ? null : new CaselessText(value);
    }

    /// <summary>True when no condition is set.</summary>
    public bool IsEmpty => IsOfAnyRequest && _text is null && Workload is null && Namespace is null && Pod is null;

    /// <summary>True when no condition is set that only a request can meet.</summary>
    private bool IsOfAnyRequest => Protocol is null && Role is null && _method is null && StatusFrom == 0 && StatusTo == int.MaxValue && SlowerThanNs < 0 && Route is null;

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
        return MatchesOwner(transaction.Connection.Workload) && MatchesText(in transaction) && MatchesRoute(transaction.Target);
    }

    /// <summary>True when all conditions hold; an event has no protocol, role, method, status, duration or route, and its text is its workload's names.</summary>
    public bool Matches(NodeEvent happened) => IsOfAnyRequest && MatchesOwner(happened.Workload) && (_text is null || HasText(happened.Workload));

    private bool MatchesText(in Transaction transaction) => _text is null || _text.IsIn(transaction.Target) || _text.IsIn(transaction.Host)
        || HasText(transaction.Connection.Workload) || HasText(transaction.Connection.Peer);

    private bool HasText(Workload one) => _text!.IsIn(one.Name) || _text.IsIn(one.Namespace) || _text.IsIn(one.Pod) || _text.IsIn(one.ProcessName);

    private bool MatchesRoute(ReadOnlySpan<byte> target)
    {
        if (Route is null)
        {
            return true;
        }
        Span<byte> route = stackalloc byte[RouteTemplate.MaxBytes];
        return Ascii.Equals(route[..RouteTemplate.Write(target, route)], Route);
    }

    private bool MatchesOwner(Workload owner)
    {
        return (Workload is null || string.Equals(Workload, owner.Name, StringComparison.Ordinal))
            && (Namespace is null || string.Equals(Namespace, owner.Namespace, StringComparison.Ordinal))
            && (Pod is null || string.Equals(Pod, owner.Pod, StringComparison.Ordinal));
    }
}
