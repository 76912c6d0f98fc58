using KubeBpfBox.Agent.Api;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Live;

public sealed class TransactionFilterTests
{
    [Theory]
    [InlineData("status", "200", true)]
    [InlineData("status", "2xx", true)]
    [InlineData("status", "2XX", true)]
    [InlineData("status", "201", false)]
    [InlineData("status", "5xx", false)]
    [InlineData("method", "GET", true)]
    [InlineData("method", "get", true)]
    [InlineData("method", "POST", false)]
    [InlineData("role", "server", true)]
    [InlineData("role", "client", false)]
    [InlineData("protocol", "http", true)]
    [InlineData("protocol", "dns", false)]
    [InlineData("workload", "nginx.service", true)]
    [InlineData("workload", "nginx", false)]
    [InlineData("slower-than", "999us", true)]
    [InlineData("slower-than", "1ms", false)]
    [InlineData("namespace", "default", false)]
    [InlineData("pod", "web-0", false)]
    [InlineData("route", "/items/{id}", true)]
    [InlineData("route", "/items/1", false)]
    [InlineData("route", "/items", false)]
    [InlineData("text", "/ITEMS/", true)]
    [InlineData("text", "items/12", false)]
    [InlineData("text", "Example.Test", true)]
    [InlineData("text", "NGINX", true)]
    [InlineData("text", "GET", false)]
    public void One_condition(string name, string value, bool expected)
    {
        Assert.True(FilterQuery.TryRead(asked => asked == name ? value : null, out TransactionFilter filter, out string? problem), problem);
        Assert.False(filter.IsEmpty);
        Assert.Equal(expected, filter.Matches(TestTransactions.Make()));
    }

    [Theory]
    [InlineData("status", "99")]
    [InlineData("status", "20x")]
    [InlineData("status", "0xx")]
    [InlineData("status", "")]
    [InlineData("slower-than", "5")]
    [InlineData("role", "both")]
    [InlineData("pod", "")]
    [InlineData("route", "")]
    [InlineData("text", "")]
    public void Bad_conditions_are_named(string name, string value)
    {
        Assert.False(FilterQuery.TryRead(asked => asked == name ? value : null, out _, out string? problem));
        Assert.StartsWith(name + ":", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("server-7", true)]
    [InlineData("SHOP", true)]
    [InlineData("checkout", true)]
    [InlineData("Java", true)]
    [InlineData("front", true)]
    [InlineData("/", true)]
    [InlineData("\u00fcber", true)]
    [InlineData("\u00dcber", false)]
    [InlineData("app", false)]
    public void Text_may_be_in_any_name_of_either_end(string text, bool expected)
    {
        Workload server = new("checkout", WorkloadSource.Cgroup) { Namespace = "shop", Pod = "server-7", Container = "app", ProcessName = "java" };
        Transaction transaction = TestCalls.Request(TestCalls.Between(server, new Workload("frontend-\u00fcber", WorkloadSource.Address)));
        Assert.Equal(expected, new TransactionFilter { Text = text }.Matches(in transaction));
    }

    [Theory]
    [InlineData("aab", "aaab", true)]
    [InlineData("aab", "AaB", true)]
    [InlineData("aab", "aa", false)]
    [InlineData("aab", "", false)]
    [InlineData("@[`{", "x@[`{", true)]
    [InlineData("@[`{", "`{@[", false)]
    public void Text_is_found_wherever_it_begins(string text, string target, bool expected) =>
        Assert.Equal(expected, new TransactionFilter { Text = text }.Matches(TestTransactions.Make(target: target)));

    [Fact]
    public void An_event_has_no_route_and_the_names_of_its_workload()
    {
        NodeEvent kill = TestEvents.Kill(1, "web-1");
        Assert.False(new TransactionFilter { Route = "/" }.Matches(kill));
        Assert.True(new TransactionFilter { Text = kill.Workload.Name.ToUpperInvariant() }.Matches(kill));
        Assert.False(new TransactionFilter { Text = "java" }.Matches(kill));
    }

    [Fact]
    public void Matching_allocates_nothing()
    {
        TransactionFilter filter = new() { Route = "/items/{id}", Text = "NGINX.service" };
        Transaction transaction = TestTransactions.Make();
        AllocationRounds rounds = new();
        while (rounds.Next())
        {
            for (int i = 0; i < 1000; i++)
            {
                Assert.True(filter.Matches(in transaction));
            }
        }
        Assert.Equal(0, rounds.Least);
    }

    [Fact]
    public void An_unanswered_request_has_no_status_and_no_duration()
    {
        Transaction unanswered = TestTransactions.Make(status: 0, durationNs: -1, error: TransactionError.Timeout);
        Assert.True(TransactionFilter.All.Matches(in unanswered));
        Assert.False(new TransactionFilter { SlowerThanNs = 0 }.Matches(in unanswered));
        Assert.False(new TransactionFilter { StatusFrom = 100, StatusTo = 599 }.Matches(in unanswered));
    }

    [Theory]
    [InlineData(200, "server", null, false)]
    [InlineData(404, "server", null, false)]
    [InlineData(404, "client", null, true)]
    [InlineData(404, null, null, false)]
    [InlineData(500, "server", null, true)]
    [InlineData(503, null, null, true)]
    [InlineData(503, "server", TransactionError.NotCaptured, true)]
    [InlineData(200, "server", TransactionError.ConnectionClosed, false)]
    [InlineData(200, "server", TransactionError.Malformed, true)]
    [InlineData(0, "server", TransactionError.Timeout, true)]
    [InlineData(0, "server", TransactionError.NotCaptured, false)]
    public void What_counts_as_an_error(int status, string? role, string? error, bool expected) =>
        Assert.Equal(expected, TransactionOutcome.IsError(TestTransactions.Make(status: status, role: role, error: error)));
}
