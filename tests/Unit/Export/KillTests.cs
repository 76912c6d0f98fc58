using System.Diagnostics;
using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Export;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Export;

/// <summary>A process that is killed while it writes its spool.</summary>
public sealed class KillTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Nothing_that_was_written_is_lost_and_nothing_that_was_sent_comes_back()
    {
        string path = _directory.File("spool");
        SortedSet<long> waiting = [];
        Random random = new(1);
        int next = 1;
        for (int round = 0; round < 8; round++)
        {
            long mayBeGone = -1;
            foreach (string line in RunUntilKilled(path, next, random.Next(10, 60)))
            {
                long number = long.Parse(line[1..], CultureInfo.InvariantCulture);
                mayBeGone = line[0] == '~' ? number : -1;
                _ = line[0] switch { '+' => waiting.Add(number), '-' => waiting.Remove(number), _ => false };
                next = line[0] == '+' ? (int)number + 1 : next;
            }
            List<long> found = Take(path, settle: round % 2 == 0 ? 5 : 0);
            Assert.Equal(found.Order(), found);
            // What was under way when the signal came may be there or not.
            Assert.Equal(waiting.Where(number => number != mayBeGone), found.Where(number => number != mayBeGone && number != next));
            next++;
            waiting = [.. found];
            if (round % 2 == 0)
            {
                waiting.ExceptWith(found.Take(5));
            }
        }
        Assert.True(waiting.Count > 20, $"{waiting.Count} batches");
    }

    private static List<string> RunUntilKilled(string path, int first, int afterLines)
    {
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "KubeBpfBox.SpoolWriter.dll"), path, first.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        List<string> lines = [];
        Task reading = Task.Run(() =>
        {
            while (process.StandardOutput.ReadLine() is { } line)
            {
                lines.Add(line);
                if (lines.Count == afterLines) // it goes on writing until the signal is there
                {
                    process.Kill(); // SIGKILL
                }
            }
        });
        Assert.True(reading.Wait(TimeSpan.FromSeconds(60)), "the writer neither writes nor ends");
        process.WaitForExit();
        Assert.Equal(128 + 9, process.ExitCode);
        return lines;
    }

    // What the next process finds; it sends some of it.
    private List<long> Take(string path, int settle)
    {
        string copy = path + "-copy";
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(path, "*.spool"))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }
        List<long> found = Drain(copy, int.MaxValue);
        Directory.Delete(copy, recursive: true);
        Assert.Equal(found.Take(settle), Drain(path, settle));
        return found;
    }

    private static List<long> Drain(string path, int most)
    {
        List<long> found = [];
        using Spool spool = Spool.Open(path, 1L << 30, static (_, reason, items) => Assert.True(items == 0, $"{reason}"), static _ => { });
        while (found.Count < most && spool.TryTake(out ExportBatch batch, out SpoolTicket ticket))
        {
            string number = Encoding.ASCII.GetString(batch.Payload.Span[..batch.Payload.Span.IndexOf((byte)'\n')]);
            Assert.Equal(batch.OldestNs.ToString(CultureInfo.InvariantCulture), number);
            found.Add(batch.OldestNs);
            Spool.Settle(ticket);
        }
        return found;
    }
}
