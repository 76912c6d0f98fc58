using System.Buffers;
using KubeBpfBox.Agent.Pipeline;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Live;

/// <summary>Prints transactions as they happen to standard output.</summary>
internal sealed class LiveConsole(TransactionSubscription subscription, TransactionWriter write, StandardOutput output)
{
    private const int WaitMs = 1000;
    private const int GatherMs = 10;
    private const int FlushBytes = 32 * 1024;

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);

    /// <summary>Prints until it is cancelled or nobody reads any more.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        long toldMissed = 0;
        try
        {
            while (true)
            {
                if (await subscription.WaitAsync(WaitMs, cancellationToken).ConfigureAwait(false))
                {
                    await Task.Delay(GatherMs, cancellationToken).ConfigureAwait(false);
                }
                if (!Drain())
                {
                    return;
                }
                if (subscription.Missed != toldMissed)
                {
                    await Console.Error.WriteLineAsync($"({subscription.Missed - toldMissed} more were not shown: the terminal is too slow)").ConfigureAwait(false);
                    toldMissed = subscription.Missed;
                }
            }
        }
        catch (OperationCanceledException)
        {
            Drain();
        }
    }

    private bool Drain()
    {
        while (subscription.TryTake(out TransactionRecord? record))
        {
            write(_buffer, record.AsTransaction());
            subscription.Return(record);
            if (_buffer.WrittenCount >= FlushBytes && !Flush())
            {
                return false;
            }
        }
        return Flush();
    }

    private bool Flush()
    {
        bool isOpen = output.TryWrite(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
        return isOpen;
    }
}
