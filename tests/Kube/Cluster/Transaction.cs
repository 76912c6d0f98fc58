using System.Text.Json;

namespace KubeBpfBox.Kube.Cluster;

/// <summary>A line of observe.</summary>
internal readonly record struct Transaction(JsonElement Json)
{
    public string Target => Json.GetProperty("target").GetString() ?? "";

    /// <summary>"client" or "server"; null on an interface.</summary>
    public string? Role => Json.TryGetProperty("role", out JsonElement role) ? role.GetString() : null;

    public int? Status => Json.GetProperty("status") is { ValueKind: JsonValueKind.Number } status ? status.GetInt32() : null;

    /// <summary>A field of who asked; null when it is not there.</summary>
    public string? Source(string field) => Field("source", field);

    /// <summary>A field of who was asked; null when it is not there.</summary>
    public string? Destination(string field) => Field("destination", field);

    public override string ToString() => Json.ToString();

    private string? Field(string end, string field) =>
        Json.TryGetProperty(end, out JsonElement workload) && workload.TryGetProperty(field, out JsonElement value) ? value.GetString() : null;
}

/// <summary>Assertions on many of them.</summary>
internal static class TransactionAssertions
{
    /// <summary>All are as they should be; else it tells how many are not, and shows two of them.</summary>
    public static void AssertAll(this IEnumerable<Transaction> all, Func<Transaction, bool> holds, string what)
    {
        Transaction[] list = [.. all];
        Transaction[] wrong = [.. list.Where(one => !holds(one))];
        Assert.True(wrong.Length == 0, $"{wrong.Length} of {list.Length} are not: {what}\n{string.Join('\n', wrong.Take(2))}");
    }

    /// <summary>Each request was answered with 200, and is there once as its client's and once as its server's.</summary>
    public static void AssertOnceAtEachEnd(this IReadOnlyList<Transaction> seen)
    {
        seen.AssertAll(static one => one.Status == 200, "answered with 200");
        foreach (IGrouping<string, Transaction> request in seen.GroupBy(static one => one.Target))
        {
            string roles = string.Join(' ', request.Select(static one => one.Role ?? "none").Order());
            Assert.True(roles == "client server", $"{request.Key} was seen by: {roles}\n{string.Join('\n', request)}");
        }
    }

    /// <summary>Who asked and who was asked, by their pods.</summary>
    public static bool IsBetween(this Transaction one, string? client, string? server) => one.Source("pod") == client && one.Destination("pod") == server;
}
