using KubeBpfBox.Core.Accounting;
using KubeBpfBox.Core.Capture;
using KubeBpfBox.Core.Streams;
using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Fuzz;

/// <summary>A capture file: reader, decoder, streams and HTTP/1.</summary>
internal sealed class CaptureTarget : IFuzzTarget
{
    public string Name => "capture";

    public IEnumerable<byte[]> Seeds() => Corpus.Captures(32 * 1024);

    public void Run(byte[] input)
    {
        Ledger ledger = new();
        CheckingObserver observer = new();
        StreamOptions small = new() { MaxBytes = 256 * 1024, MaxConnections = 8, MaxReorderBytes = 16 * 1024, MaxReorderSegments = 6 };
        try
        {
            using CaptureReader reader = CaptureReader.Open(new MemoryStream(input), "input");
            CaptureReplay replay = new(small, [new Http1Protocol()], observer, ledger);
            replay.Run(reader);
            CheckingObserver.RequireAtRest(replay.Engine, ledger);
        }
        catch (CaptureFormatException e)
        {
            FuzzException.Require(!e.Message.Contains('\n', StringComparison.Ordinal), "a message of more than one line");
        }
    }
}
