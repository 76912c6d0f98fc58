using System.Buffers;
using KubeBpfBox.Agent.Configuration;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Capture;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Pipeline;

/// <summary>Runs capture files through streams, protocols and an output.</summary>
internal static class Replay
{
    /// <summary>Replays files, one after the other.</summary>
    /// <param name="files">Paths.</param>
    /// <param name="form">"json", "text" or "summary".</param>
    /// <returns>The process's exit code: 2 when a file is no capture, or is cut off.</returns>
    public static int Run(IReadOnlyList<string> files, string form)
    {
        AgentOptions options = ConfigurationLoader.Defaults();
        using StandardOutput output = new();
        ReplaySummary? summary = form == "summary" ? new ReplaySummary() : null;
        LineWriter? lines = summary is null ? new LineWriter(OutputFormat.Of(form).Transaction, output) : null;
        bool damaged = false;
        foreach (string file in files)
        {
            damaged |= !Run(file, options, (ITransactionObserver?)summary ?? lines!);
            if (lines is { IsReaderGone: true })
            {
                return ExitCode.Fine;
            }
        }
        summary?.Write(output);
        return damaged ? ExitCode.Usage : ExitCode.Fine;
    }

    private static bool Run(string file, AgentOptions options, ITransactionObserver observer)
    {
        try
        {
            using CaptureReader reader = file == "-" ? CaptureReader.Open(Console.OpenStandardInput(), "standard input") : CaptureReader.Open(file);
            Ledger ledger = new();
            new CaptureReplay(Pipelines.StreamOptions(options), Pipelines.CreateProtocols(options), observer, ledger).Run(reader);
            (observer as LineWriter)?.Flush();
            (observer as ReplaySummary)?.Add(ledger);
            if (reader.Truncation is { } truncation)
            {
                Console.Error.WriteLine($"kubebpfbox: {truncation}");
            }
            return reader.Truncation is null;
        }
        catch (CaptureFormatException e)
        {
            Console.Error.WriteLine($"kubebpfbox: {e.Message}");
            return false;
        }
    }

    /// <summary>Collects lines and writes them in large pieces.</summary>
    private sealed class LineWriter(TransactionWriter format, StandardOutput output) : ITransactionObserver
    {
        private const int FlushBytes = 64 * 1024;
        private readonly ArrayBufferWriter<byte> _lines = new(2 * FlushBytes);

        /// <summary>Nobody reads any more.</summary>
        public bool IsReaderGone { get; private set; }

        public void OnTransaction(in Transaction transaction)
        {
            if (IsReaderGone)
            {
                return;
            }
            format(_lines, in transaction);
            if (_lines.WrittenCount >= FlushBytes)
            {
                Flush();
            }
        }

        public void Flush()
        {
            IsReaderGone = IsReaderGone || !output.TryWrite(_lines.WrittenSpan);
            _lines.ResetWrittenCount();
        }
    }
}
