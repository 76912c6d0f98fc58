using System.Runtime.CompilerServices;
using KubeBpfBox.Bpf;

namespace KubeBpfBox.Kernel.Bpf;

public sealed class MapTests : IDisposable
{
    private readonly BpfObject _obj = Programs.LoadBasics("basics__socket");

    public void Dispose() => _obj.Dispose();

    [Fact]
    public void Hash_map_keeps_what_is_set()
    {
        BpfHashMap<uint, Pair> map = new(_obj.Maps["pairs"]);
        Assert.False(map.TryGet(3, out _));
        map.Set(3, new Pair { First = 9, Second = 4 });
        Assert.True(map.TryGet(3, out Pair value));
        Assert.Equal((9u, (ushort)4), (value.First, value.Second));
        Assert.False(map.TrySet(3, value, UpdateMode.NoExist));
        Assert.False(map.TrySet(4, value, UpdateMode.Exist));
        Assert.True(map.TrySet(3, value with { First = 10 }, UpdateMode.Exist));
        Assert.True(map.TryTake(3, out value));
        Assert.Equal(10u, value.First);
        Assert.False(map.Remove(3));
    }

    [Fact]
    public void Hash_map_walks_all_keys_and_the_current_one_may_be_removed()
    {
        BpfHashMap<uint, Pair> map = new(_obj.Maps["pairs"]);
        for (uint key = 1; key <= 16; key++)
        {
            map.Set(key, new Pair { First = key });
        }
        BpfException full = Assert.Throws<BpfException>(() => map.Set(17, default));
        Assert.Contains("room for 16", full.Message, StringComparison.Ordinal);
        List<uint> keys = [];
        foreach (uint key in map)
        {
            keys.Add(key);
            Assert.True(map.Remove(key));
        }
        Assert.Equal(Enumerable.Range(1, 16).Select(static key => (uint)key), keys.Order());
        map.Set(1, default);
        map.Set(2, default);
        Assert.Equal(2, map.Clear());
        Assert.Equal(0, map.Clear());
    }

    [Theory]
    [InlineData(1)] // buckets with two elements make it grow
    [InlineData(5)]
    [InlineData(256)]
    public void A_batch_reader_sees_each_element_once(int batch)
    {
        BpfHashMap<uint, Pair> map = new(_obj.Maps["pairs"]);
        BpfBatchReader<uint, Pair> reader = new(_obj.Maps["pairs"], batch: batch);
        Assert.False(reader.Next(out _, out _));
        for (uint key = 1; key <= 16; key++)
        {
            map.Set(key, new Pair { First = key * 3 });
        }
        for (int round = 0; round < 2; round++)
        {
            reader.Restart();
            List<uint> seen = [];
            while (reader.Next(out ReadOnlySpan<uint> keys, out ReadOnlySpan<Pair> values))
            {
                Assert.InRange(keys.Length, 1, 16);
                for (int i = 0; i < keys.Length; i++)
                {
                    Assert.Equal(keys[i] * 3, values[i].First);
                    seen.Add(keys[i]);
                }
            }
            Assert.Equal(Enumerable.Range(1, 16).Select(static key => (uint)key), seen.Order());
            Assert.False(reader.Next(out _, out _));
        }
        BpfBatchReader<uint, Pair> locked = new(_obj.Maps["pairs"], locked: true);
        Assert.Throws<BpfException>(() => locked.Next(out _, out _)); // its values have no lock
    }

    [Fact]
    public void Array_map_checks_its_bounds()
    {
        BpfArrayMap<Pair> map = new(_obj.Maps["slots"]);
        map[3] = new Pair { First = 5 };
        Assert.Equal(5u, map[3].First);
        Assert.Equal(0u, map[2].First);
        Assert.Throws<ArgumentOutOfRangeException>(() => map[4]);
        Assert.Throws<ArgumentOutOfRangeException>(() => map[-1] = default);
    }

    [Fact]
    public void Per_cpu_array_sums_over_the_possible_cpus()
    {
        BpfPerCpuArray<Programs.Counters> map = new(_obj.Maps["per_cpu"]);
        Programs.Counters[] values = new Programs.Counters[map.CpuCount];
        for (int cpu = 0; cpu < values.Length; cpu++)
        {
            values[cpu] = new Programs.Counters { Calls = (ulong)cpu + 1, Bytes = 100 };
        }
        map.Write(0, values);
        Array.Clear(values);
        map.Read(0, values);
        Assert.Equal(1ul, values[0].Calls);
        Programs.Counters sum = map.Sum(0);
        Assert.Equal((ulong)(map.CpuCount * (map.CpuCount + 1) / 2), sum.Calls);
        Assert.Equal((ulong)map.CpuCount * 100, sum.Bytes);
        _obj.Programs["basics__socket"].TestRun(new byte[64], repeat: 5);
        Assert.Equal(5ul, map.Sum(1).Calls);
    }

    [Fact]
    public void Mapped_array_is_the_kernels_memory()
    {
        BpfArrayMap<Pair> calls = new(_obj.Maps["shared_slots"]);
        using MmapArray<Pair> map = new(_obj.Maps["shared_slots"]);
        Assert.Equal(1000, map.Length);
        map[999].First = 77; // the last element: 16 bytes apart although the struct has 12
        Assert.Equal(77u, calls[999].First);
        calls[500] = new Pair { Second = 6 };
        Assert.Equal(6, map[500].Second);
        Assert.Throws<ArgumentOutOfRangeException>(() => map[1000].First);
        Assert.Equal(12, Unsafe.SizeOf<Pair>());
        Assert.Throws<InvalidOperationException>(() => map.Span.Length);
        map.Dispose();
        Assert.Throws<ObjectDisposedException>(() => map[0].First);
    }

    [Fact]
    public void Views_of_the_wrong_size_or_type_are_refused()
    {
        BpfException size = Assert.Throws<BpfException>(() => new BpfHashMap<uint, ulong>(_obj.Maps["pairs"]));
        Assert.Contains("values of 12 bytes", size.Message, StringComparison.Ordinal);
        Assert.Throws<BpfException>(() => new BpfHashMap<ulong, Pair>(_obj.Maps["pairs"]));
        Assert.Throws<BpfException>(() => new BpfArrayMap<Programs.Counters>(_obj.Maps["per_cpu"]));
        Assert.Throws<BpfException>(() => new RingBufferReader(_obj.Maps["pairs"]));
        BpfException flag = Assert.Throws<BpfException>(() => new MmapArray<Pair>(_obj.Maps["slots"]));
        Assert.Contains("BPF_F_MMAPABLE", flag.Message, StringComparison.Ordinal);
    }

    private record struct Pair(uint First, ushort Second, ushort Letters01, uint Letters25);
}
