using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Capture;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Conformance;

/// <summary>The way of `kubebpfbox replay -o json`, in this process.</summary>
internal static class Pipeline
{
    /// <summary>The transactions of a capture as the command prints them. The ledger must balance, or the test fails.</summary>
    public static List<JsonObject> Run(byte[] file)
    {
        Ledger ledger = new();
        Lines lines = new();
        using (CaptureReader reader = CaptureReader.Open(new MemoryStream(file), "capture"))
        {
            CaptureReplay replay = new(new StreamOptions(), [new Http1Protocol()], lines, ledger);
            replay.Run(reader);
            Assert.Equal(0, replay.Engine.BufferedBytes);
            Assert.Equal(0, replay.Engine.ConnectionCount);
        }
        Assert.All(ledger.Stages, static stage => Assert.Equal(0, stage.Unaccounted));
        return [.. lines.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonNode.Parse(line)!.AsObject())];
    }

    private sealed class Lines : ITransactionObserver
    {
        private readonly ArrayBufferWriter<byte> _output = new();

        public string Text => Encoding.UTF8.GetString(_output.WrittenSpan);

        public void OnTransaction(in Transaction transaction) => TransactionJson.Write(_output, in transaction);
    }
}
