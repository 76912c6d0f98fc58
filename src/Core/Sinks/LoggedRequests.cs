using KubeBpfBox.Core.Records;


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

/// <summary>Applies <see cref="LoggedRequests"/>.</summary>
public static class LoggedRequestsChoice
{
    /// <summary>Whether a transaction is logged.</summary>
    public static bool Includes(this LoggedRequests logged, in Transaction transaction) =>
        logged == LoggedRequests.All || (logged == LoggedRequests.Errors && TransactionOutcome.IsError(in transaction));
}
