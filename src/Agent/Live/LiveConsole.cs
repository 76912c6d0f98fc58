using System.Buffers;
using System.Globalization;
using System.Text;
using KubeBpfBox.Agent.Pipeline;
using KubeBpfBox.Core.Events;
using KubeBpfBox.Core.Live;
using KubeBpfBox.Core.Records;

namespace KubeBpfBox.Agent.Live;

/// <summary>Prints transactions and events as they happen to a terminal: at most <see cref="MaxLinesPerSecond"/>, and how many more there were.</summary>
/// <remarks>Nobody reads thousands of lines a second, and drawing them takes more of the machine than watching it.</remarks>
internal sealed class LiveConsole(LiveSubscription subscription, OutputFormat format, OutputWriter output, TimeProvider? time = null)
{
    /// <summary>Lines printed a second at most.</summary>
    public const int MaxLinesPerSecond = 200;

    private const int WaitMs = 250;
    private const int GatherMs = 10;
    private const int FlushBytes = 32 * 1024;

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private long _secondStart = (time ?? TimeProvider.System).GetTimestamp();
    private int _lines;
    private long _skipped;
    private long _toldMissed;

    /// <summary>Prints until it is cancelled or nobody reads any more.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                if (await subscription.WaitAsync(WaitMs, cancellationToken).ConfigureAwait(false))
                {
                    await Task.Delay(GatherMs, cancellationToken).ConfigureAwait(false);
                }
                if (!Print())
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            Print(last: true);
        }
    }

    /// <summary>Prints what waits; false when nobody reads any more.</summary>
    internal bool Print(bool last = false)
    {
        while (subscription.TryTake(out NodeEvent? happened))
        {
            format.Event(_buffer, happened);
        }
        while (subscription.TryTake(out TransactionRecord? record))
        {
            if (_lines < MaxLinesPerSecond)
            {
                _lines++;
                Transaction transaction = record.AsTransaction();
                if (format.IsHeadDue(in transaction))
                {
                    format.Head(_buffer);
                }
                format.Transaction(_buffer, in transaction);
            }
            else
            {
                _skipped++;
            }
            subscription.Return(record);
            if (_buffer.WrittenCount >= FlushBytes && !Flush())
            {
                return false;
            }
        }
        if (last || _time.GetElapsedTime(_secondStart).TotalSeconds >= 1)
        {
            EndSecond();
        }
        return Flush();
    }

    private void EndSecond()
    {
        long missed = subscription.Missed;
        long unshown = _skipped + missed - _toldMissed;
        if (unshown > 0)
        {
            _buffer.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
                $"({unshown} more were not shown: at most {MaxLinesPerSecond} lines a second are; kubebpfbox observe shows all, and filters)\n")));
        }
        (_secondStart, _lines, _skipped, _toldMissed) = (_time.GetTimestamp(), 0, 0, missed);
    }

    private bool Flush()
    {
        bool isOpen = output(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
        return isOpen;
    }
}
