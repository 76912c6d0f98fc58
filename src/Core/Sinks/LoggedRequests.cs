
namespace KubeBpfBox.Core.Sinks;

/// <summary>Which requests an output logs one by one: the setting request_log.</summary>
public enum LoggedRequests
{
    /// <summary>Each.</summary>
    All,

    /// <summary>Those that <see cref="TransactionOutcome"/> calls errors.</summary>
    Errors,

    /// <summary>None: only series and events.</summary>
    None,
}
