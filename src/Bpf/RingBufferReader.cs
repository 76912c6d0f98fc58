using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;
using Microsoft.Win32.SafeHandles;

namespace KubeBpfBox.Bpf;

/// <summary>Gets the records of a ring buffer.</summary>
public interface IRingConsumer
{
    /// <summary>Takes one record.</summary>
    /// <param name="record">
    /// Borrowed from the ring: valid until this method returns, and 8-byte aligned. What must be kept has to be copied.
    /// </param>
    void OnRecord(ReadOnlySpan<byte> record);
}

/// <summary>Reads a BPF_MAP_TYPE_RINGBUF map through memory that the kernel shares: no copy and no system call for a record.</summary>
/// <remarks>
/// Shape: one page with the consumer's position (ours to write), one with the producer's, then the data, mapped twice in a row so
/// that a record that wraps around is contiguous. A record is u32 length (bit 31 busy, bit 30 discarded), u32 page offset, then
/// the bytes, padded to 8. Positions only grow; position modulo the size is the place.
/// Lifetime: spans given to the consumer are valid during the call. The mapping outlives the object's disposal, not this reader's.
/// Threads: one thread drains at a time. <see cref="AvailableBytes"/> and <see cref="Interrupt"/> are safe from others; Dispose is not
/// while another thread is in <see cref="Drain"/> or <see cref="Wait"/>.
/// Source: kernel/bpf/ringbuf.c; Documentation/bpf/ringbuf.rst.
/// </remarks>
public sealed unsafe class RingBufferReader : IDisposable
{
    private const uint BusyBit = 1u << 31;
    private const uint DiscardBit = 1u << 30;
    private const int HeaderBytes = 8;

    // Space goes back to the producers in steps: often enough that they do not run dry behind a slow consumer, seldom enough that
    // the cache line of the position does not travel between CPUs for every record.
    private const int PublishBytes = 64 * 1024;
    private const int PublishRecords = 256;

    private readonly MemoryMapping _consumerPage;
    private readonly MemoryMapping _producerPages;
    private readonly SafeFileHandle _interrupt;
    private readonly BpfMap _map;
    private readonly ulong* _consumerPosition;
    private readonly ulong* _producerPosition;
    private readonly byte* _data;
    private readonly ulong _mask;

    /// <summary>Maps the ring buffer.</summary>
    /// <exception cref="BpfException">It is another kind of map, or cannot be mapped.</exception>
    public RingBufferReader(BpfMap map)
    {
        map.Require(0, 0, BpfMapType.Ringbuf);
        _map = map;
        CapacityBytes = map.MaxEntries;
        nuint page = (nuint)Environment.SystemPageSize;
        _mask = (ulong)CapacityBytes - 1;
        _consumerPage = MemoryMapping.Create(map, page, Libc.ProtRead | Libc.ProtWrite, 0);
        _producerPages = MemoryMapping.Create(map, page + (2 * (nuint)CapacityBytes), Libc.ProtRead, (long)page);
        _consumerPosition = (ulong*)_consumerPage.Address;
        _producerPosition = (ulong*)_producerPages.Address;
        _data = (byte*)_producerPages.Address + page;
        const int CloseOnExec = 0x80000, NonBlocking = 0x800;
        _interrupt = new SafeFileHandle(Libc.eventfd(0, CloseOnExec | NonBlocking), ownsHandle: true);
    }

    /// <summary>Size of the ring.</summary>
    public int CapacityBytes { get; }

    /// <summary>Bytes reserved or written and not consumed yet, headers and padding included.</summary>
    public long AvailableBytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_consumerPage.IsClosed, this);
            ulong consumed = Volatile.Read(ref *_consumerPosition);
            return (long)(Volatile.Read(ref *_producerPosition) - consumed);
        }
    }

    /// <summary>Hands out the records that are complete, oldest first, up to <paramref name="maxRecords"/>.</summary>
    /// <typeparam name="TConsumer">A struct, so that the call is bound and inlined at compile time.</typeparam>
    /// <returns>How many were handed out. Fewer than asked for: the ring is empty, or its next record is still being written.</returns>
    /// <remarks>If the consumer throws, the record it got counts as consumed and the exception passes through.</remarks>
    public int Drain<TConsumer>(ref TConsumer consumer, int maxRecords)
        where TConsumer : IRingConsumer, allows ref struct
    {
        ObjectDisposedException.ThrowIf(_consumerPage.IsClosed, this);
        ulong position = *_consumerPosition; // only this reader writes it
        ulong published = position;
        int count = 0, unpublished = 0;
        try
        {
            while (count < maxRecords)
            {
                // Acquire: what lies before the producer's position is seen with it.
                ulong end = Volatile.Read(ref *_producerPosition);
                if (position == end)
                {
                    break;
                }
                bool busy = false;
                while (position < end && count < maxRecords)
                {
                    byte* header = _data + (position & _mask);
                    uint length = Volatile.Read(ref *(uint*)header);
                    if ((length & BusyBit) != 0)
                    {
                        busy = true;
                        break;
                    }
                    uint size = length & ~DiscardBit;
                    position += (size + HeaderBytes + 7) & ~7u;
                    unpublished++;
                    if ((length & DiscardBit) == 0)
                    {
                        count++;
                        consumer.OnRecord(new ReadOnlySpan<byte>(header + HeaderBytes, (int)size));
                    }
                    if (position - published >= PublishBytes || unpublished >= PublishRecords)
                    {
                        // Release: the records are read before their space is given back.
                        Volatile.Write(ref *_consumerPosition, position);
                        published = position;
                        unpublished = 0;
                    }
                }
                if (busy)
                {
                    break;
                }
            }
        }
        finally
        {
            if (position != published)
            {
                Volatile.Write(ref *_consumerPosition, position);
            }
        }
        return count;
    }

    /// <summary>Sleeps until there is something to drain.</summary>
    /// <param name="timeoutMs">-1: for ever.</param>
    /// <returns>True when records are there; false after the time, or after <see cref="Interrupt"/>.</returns>
    /// <remarks>
    /// The kernel compares positions when polled, so nothing is missed between Drain and Wait, whichever wake-up flags the program uses.
    /// A program that submits with BPF_RB_NO_WAKEUP does not end a sleep that has begun. True with nothing to drain is possible: a
    /// record is reserved but not yet submitted.
    /// </remarks>
    public bool Wait(int timeoutMs)
    {
        PollFd* fds = stackalloc PollFd[2];
        fds[0] = new PollFd { Fd = _map.Fd, Events = Libc.PollIn };
        fds[1] = new PollFd { Fd = (int)_interrupt.DangerousGetHandle(), Events = Libc.PollIn };
        long started = Stopwatch.GetTimestamp();
        int left = timeoutMs;
        while (true)
        {
            int ready = Libc.poll(fds, 2, left);
            if (ready > 0)
            {
                if (fds[1].ReturnedEvents != 0)
                {
                    ulong ignored;
                    _ = Libc.read(fds[1].Fd, &ignored, sizeof(ulong));
                }
                return (fds[0].ReturnedEvents & Libc.PollIn) != 0;
            }
            int errno = ready < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (errno is not (0 or Errors.EINTR))
            {
                throw BpfException.From($"wait for {_map}", errno);
            }
            if (ready == 0)
            {
                return false;
            }
            if (timeoutMs >= 0)
            {
                left = Math.Max(0, timeoutMs - (int)Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }
    }

    /// <summary>Ends a <see cref="Wait"/> of another thread, or the next one. For shutting down.</summary>
    public void Interrupt()
    {
        ulong one = 1;
        _ = Libc.write((int)_interrupt.DangerousGetHandle(), &one, sizeof(ulong));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _consumerPage.Dispose();
        _producerPages.Dispose();
        _interrupt.Dispose();
    }
}
