using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench;

/// <summary>One run of wrk.</summary>
/// <param name="Requests">Responses it received whole.</param>
/// <param name="Seconds">How long it says it ran.</param>
/// <param name="Failures">Responses other than 2xx and 3xx, and socket errors.</param>
internal sealed partial record WrkRun(long Requests, double Seconds, long Failures)
{
    public double PerSecond => Requests / Seconds;

    /// <summary>Runs it against the server of a topology.</summary>
    public static WrkRun Run(BridgeTopology topology, string path, int connections, double seconds, string? script, CancellationToken stop)
    {
        string wrk = AptPackages.Require("wrk", "wrk");
        List<string> arguments = ["-t1", $"-c{connections}", $"-d{Math.Max(1, (int)seconds)}s"];
        if (script is not null)
        {
            arguments.AddRange(["-s", script]);
        }
        arguments.Add($"http://{BridgeTopology.ServerIPv4}{path}");
        using ChildProcess child = topology.Client.Start(wrk, arguments);
        while (!child.HasExited)
        {
            AgentProcess.Pause(TimeSpan.FromMilliseconds(100), stop);
        }
        child.WaitForExit(TimeSpan.FromSeconds(5));
        stop.ThrowIfCancellationRequested();
        return Parse(child.Output, child.Errors);
    }

    private static WrkRun Parse(string output, string errors)
    {
        Match total = TotalLine().Match(output);
        if (!total.Success)
        {
            throw new InvalidOperationException($"wrk printed no total: {output}{errors}");
        }
        double seconds = double.Parse(total.Groups["time"].Value, CultureInfo.InvariantCulture) * (total.Groups["unit"].Value == "m" ? 60 : 1);
        long failures = FailureNumbers().Matches(output).Sum(static m => long.Parse(m.Groups["n"].Value, CultureInfo.InvariantCulture));
        return new WrkRun(long.Parse(total.Groups["n"].Value, CultureInfo.InvariantCulture), seconds, failures);
    }

    [GeneratedRegex(@"(?<n>\d+) requests in (?<time>[\d.]+)(?<unit>[sm])")]
    private static partial Regex TotalLine();

    [GeneratedRegex(@"(Non-2xx or 3xx responses: |connect |read |write |timeout )(?<n>\d+)")]
    private static partial Regex FailureNumbers();

    /// <summary>A script that sends the head of an ordinary browser or service call: about 390 bytes, no two alike.</summary>
    public static void WriteRealisticScript(string path) => File.WriteAllText(path, """
        local n = 0
        local head = "GET / HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" ..
          "Accept: application/json, text/plain, */*\r\nAccept-Language: en-GB,en;q=0.7\r\nAccept-Encoding: gzip, deflate, br\r\n" ..
          "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark\r\ntraceparent: 00-"
        request = function()
          n = n + 1
          return head .. string.format("%032x-%016x-01\r\n\r\n", n * 7919, n)
        end
        """);
}
