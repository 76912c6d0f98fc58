using System.Buffers;
using System.Text.Json;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Fuzz;

/// <summary>Takes transactions as every output does, and checks what must hold of each.</summary>
internal sealed class CheckingObserver : ITransactionObserver
{
    private readonly ArrayBufferWriter<byte> _output = new();

    public int Count { get; private set; }

    public void OnTransaction(in Transaction transaction)
    {
        Count++;
        FuzzException.Require(transaction.RequestBytes >= 0 && transaction.ResponseBytes >= 0, "a size is negative");
        FuzzException.Require(transaction.DurationNs >= -1 && transaction.TimeToFirstByteNs >= -1, "a duration is negative");
        FuzzException.Require(transaction.RequestBodyBytes >= -1 && transaction.ResponseBodyBytes >= -1, "a body's size is negative");
        FuzzException.Require(!transaction.Method.IsEmpty || transaction.Status != 0, "neither a request nor a response");
        FuzzException.Require(transaction.Status is 0 or (>= 100 and <= 999), "no such status");
        bool isTraced = transaction.Attributes.IndexOf("trace_id"u8) >= 0;
        FuzzException.Require(isTraced == TraceContext.TryRead(in transaction, out TraceContext trace) && isTraced == (trace.TraceId != 0), "a trace context that nobody can read");
        _output.ResetWrittenCount();
        TransactionJson.Write(_output, in transaction);
        using JsonDocument line = JsonDocument.Parse(_output.WrittenMemory);
        FuzzException.Require(_output.WrittenSpan.IndexOf((byte)'\n') == _output.WrittenCount - 1, "more than one line");
        _output.ResetWrittenCount();
        TransactionText.Write(_output, in transaction);
        FuzzException.Require(!_output.WrittenSpan[..^1].ContainsAnyInRange((byte)0, (byte)0x1f), "a control character on the terminal");
    }

    /// <summary>At the end nothing is held and every byte is accounted for.</summary>
    public static void RequireAtRest(StreamEngine engine, Ledger ledger)
    {
        FuzzException.Require(engine.BufferedBytes == 0, "buffers are kept");
        FuzzException.Require(engine.ConnectionCount == 0, "connections are kept");
        foreach (LedgerStage stage in ledger.Stages)
        {
            FuzzException.Require(stage.Unaccounted == 0, $"stage {stage.Name}: {stage.Unaccounted} unaccounted");
        }
    }
}

/// <summary>Files of the repository to start from.</summary>
internal static class Corpus
{
    public static string Root { get; } = Find();

    public static IEnumerable<byte[]> Captures(int maxBytes) =>
        Directory.GetFiles(Path.Combine(Root, "protocols/http1/testcases/captures"), "*.pcap").Order(StringComparer.Ordinal)
            .Select(File.ReadAllBytes).Where(file => file.Length <= maxBytes);

    private static string Find()
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "KubeBpfBox.slnx")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new DirectoryNotFoundException("run inside the repository");
        }
        return directory;
    }
}
