using KubeBpfBox.Core.Red;

namespace KubeBpfBox.Core.Records;

/// <summary>Which transactions count as errors.</summary>
public static class TransactionOutcome
{
    /// <summary>What the series count as an error (<see cref="RedRules.ErrorType"/>), and messages that break the grammar.</summary>
    public static bool IsError(in Transaction transaction) =>
        RedRules.ErrorType(transaction.Connection.RoleOf(transaction.ClientSide), transaction.Status, transaction.Error) is not null
        || transaction.Error == TransactionError.Malformed;
}
