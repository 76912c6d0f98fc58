using System.Buffers.Binary;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Kernel.Bpf;

public sealed class RingBufferTests : IDisposable
{
    private const int EthernetHeader = 14; // taken off before a socket filter sees the packet
    private const int CapacityBytes = 64 * 1024;
    private readonly BpfObject _obj = Programs.Open("ring");
    private readonly RingBufferReader _reader;
    private readonly MmapArray<Control> _control;
    private readonly byte[] _packet = new byte[EthernetHeader + 2056]; // test runs take at most about a page

    public RingBufferTests()
    {
        Assert.Equal(CapacityBytes, _obj.Maps["ring"].MaxEntries);
        _obj.Load();
        _reader = new RingBufferReader(_obj.Maps["ring"]);
        _control = new MmapArray<Control>(_obj.Maps["control"]);
        new Random(1).NextBytes(_packet);
    }

    public void Dispose()
    {
        _control.Dispose();
        _reader.Dispose();
        _obj.Dispose();
    }

    [Fact]
    public void Records_of_random_sizes_come_back_byte_for_byte_around_the_end_of_the_ring()
    {
        _control[0].State = 12345;
        Checker checker = new(_packet, state: 12345);
        long bytes = 0;
        for (int round = 0; round < 200; round++)
        {
            BpfProgram program = _obj.Programs["ring__random"];
            (uint submitted, _) = program.TestRun(_packet, repeat: 1 + (round % 20));
            Assert.Equal(1u, submitted);
            bytes += _reader.AvailableBytes;
            while (_reader.Drain(ref checker, maxRecords: 7) > 0)
            {
            }
            Assert.Equal(0, _reader.AvailableBytes);
        }
        Assert.Equal(_control[0].Sequence, checker.Expected);
        Assert.Equal(0ul, _control[0].Refused);
        Assert.True(bytes > 10 * CapacityBytes); // went around more than ten times
    }

    [Fact]
    public void A_full_ring_refuses_and_goes_on_once_drained()
    {
        _control[0].State = 99;
        _obj.Programs["ring__random"].TestRun(_packet, repeat: 200);
        Assert.True(_control[0].Refused > 0);
        Assert.InRange(_reader.AvailableBytes, CapacityBytes - 2100, CapacityBytes);
        ulong written = _control[0].Sequence;
        Counter counter = default;
        Assert.Equal((int)written, _reader.Drain(ref counter, int.MaxValue));
        Assert.Equal(1u, _obj.Programs["ring__random"].TestRun(_packet).ReturnValue);
        Assert.Equal(1, _reader.Drain(ref counter, int.MaxValue));
    }

    [Fact]
    public void Discarded_records_take_space_but_are_not_handed_out()
    {
        _control[0].DiscardEvery = 3;
        _obj.Programs["ring__some_discarded"].TestRun(_packet, repeat: 100); // sequence 0, 3, 6 … 99 discarded: 34
        Assert.Equal(100 * 16, _reader.AvailableBytes);
        Sequences sequences = new([]);
        Assert.Equal(66, _reader.Drain(ref sequences, int.MaxValue));
        Assert.Equal(Enumerable.Range(0, 100).Where(static i => i % 3 != 0).Select(static i => (ulong)i), sequences.Seen);
        Assert.Equal(0, _reader.AvailableBytes);
    }

    [Fact]
    public async Task Records_written_while_draining_are_neither_lost_nor_seen_twice_nor_seen_unfinished()
    {
        const int Rounds = 100;
        _control[0].DiscardEvery = 3;
        BpfProgram program = _obj.Programs["ring__some_discarded"];
        Task producer = Task.Run(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                program.TestRun(_packet, repeat: 1000);
            }
        }, TestContext.Current.CancellationToken);
        Sequences sequences = new([]);
        bool finished;
        do
        {
            finished = producer.IsCompleted; // asked first, so that the last drain comes after the last record
            while (_reader.Drain(ref sequences, 100) > 0)
            {
            }
        }
        while (!finished);
        await producer;
        ulong written = _control[0].Sequence;
        Assert.Equal(Rounds * 1000ul, written + _control[0].Refused);
        Assert.True(written > CapacityBytes / 16); // more than fits at once
        Assert.Equal(Enumerable.Range(0, (int)written).Where(static i => i % 3 != 0).Select(static i => (ulong)i), sequences.Seen);
    }

    [Fact]
    public void Space_is_given_back_while_a_long_drain_goes_on()
    {
        // 1000 runs fill 72 of 64 KiB: without early publication the producer inside the consumer would find no room.
        _control[0].State = 5;
        _obj.Programs["ring__64"].TestRun(_packet, repeat: 900);
        Producing producing = new(_obj.Programs["ring__64"], _packet);
        Assert.Equal(900 + Producing.Extra, _reader.Drain(ref producing, int.MaxValue));
        Assert.Equal(Producing.Extra, producing.Submitted);
    }

    [Fact]
    public void Wait_sees_records_times_out_and_can_be_interrupted()
    {
        Assert.False(_reader.Wait(0));
        _reader.Interrupt();
        Assert.False(_reader.Wait(-1));
        Assert.False(_reader.Wait(0));
        _obj.Programs["ring__64"].TestRun(_packet);
        Assert.True(_reader.Wait(-1));
        Counter counter = default;
        Assert.Equal(0, _reader.Drain(ref counter, 0));
        Assert.Equal(1, _reader.Drain(ref counter, 1));
        Assert.False(_reader.Wait(0));
    }

    [Fact]
    public void A_sleeping_reader_is_woken_by_a_record()
    {
        using ManualResetEventSlim started = new();
        bool woken = false;
        Thread thread = new(() =>
        {
            started.Set();
            woken = _reader.Wait(-1);
        })
        {
            IsBackground = true,
        };
        thread.Start();
        started.Wait(TestContext.Current.CancellationToken);
        _obj.Programs["ring__some_discarded"].TestRun(_packet);
        thread.Join();
        Assert.True(woken);
    }

    [Fact]
    public void A_throwing_consumer_loses_only_its_record()
    {
        _obj.Programs["ring__some_discarded"].TestRun(_packet, repeat: 3);
        Throwing throwing = default;
        Assert.Throws<InvalidDataException>(() => _reader.Drain(ref throwing, int.MaxValue));
        Sequences sequences = new([]);
        Assert.Equal(2, _reader.Drain(ref sequences, int.MaxValue));
        Assert.Equal([1ul, 2ul], sequences.Seen);
    }

    [Fact]
    public void Draining_does_not_allocate()
    {
        Counter counter = default;
        _obj.Programs["ring__512"].TestRun(_packet, repeat: 100);
        Assert.Equal(50, _reader.Drain(ref counter, 50));
        long before = GC.GetAllocatedBytesForCurrentThread();
        int drained = _reader.Drain(ref counter, 50);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(50, drained);
        Assert.Equal(0, allocated);
    }

    /// <summary>Repeats the program's pseudo-random numbers and compares every byte.</summary>
    private struct Checker(byte[] packet, uint state) : IRingConsumer
    {
        private uint _state = state;

        internal ulong Expected { get; private set; }

        public void OnRecord(ReadOnlySpan<byte> record)
        {
            _state ^= _state << 13;
            _state ^= _state >> 17;
            _state ^= _state << 5;
            Assert.Equal(8 + (int)(_state & 2047), record.Length);
            Assert.Equal(Expected++, BinaryPrimitives.ReadUInt64LittleEndian(record));
            Assert.True(record[8..].SequenceEqual(packet.AsSpan(EthernetHeader + 8, record.Length - 8)));
        }
    }

    private struct Counter : IRingConsumer
    {
        internal int Count;

        public void OnRecord(ReadOnlySpan<byte> record) => Count++;
    }

    private readonly record struct Sequences(List<ulong> Seen) : IRingConsumer
    {
        public void OnRecord(ReadOnlySpan<byte> record) => Seen.Add(BinaryPrimitives.ReadUInt64LittleEndian(record));
    }

    private struct Throwing : IRingConsumer
    {
        public readonly void OnRecord(ReadOnlySpan<byte> record) => throw new InvalidDataException("bad record");
    }

    private struct Producing(BpfProgram program, byte[] packet) : IRingConsumer
    {
        internal const int Extra = 200;
        private int _seen;

        internal int Submitted { get; private set; }

        public void OnRecord(ReadOnlySpan<byte> record)
        {
            if (++_seen == 700)
            {
                for (int i = 0; i < Extra; i++)
                {
                    Submitted += (int)program.TestRun(packet).ReturnValue;
                }
            }
        }
    }

    private record struct Control(ulong Sequence, uint State, uint FixedSize, uint DiscardEvery, uint Padding, ulong Refused);
}
