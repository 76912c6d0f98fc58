using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Streams;

public sealed class BufferPoolTests
{
    [Theory]
    [InlineData(0, 512)]
    [InlineData(1, 512)]
    [InlineData(512, 512)]
    [InlineData(513, 1024)]
    [InlineData(1024, 1024)]
    [InlineData(1025, 2048)]
    [InlineData(32769, 65536)]
    [InlineData(65536, 65536)]
    public void Gives_the_smallest_class_that_fits(int size, int expectedBytes)
    {
        BufferPool pool = new(1 << 20);
        Assert.Equal(expectedBytes, BufferPool.BufferBytesFor(size));
        Assert.True(pool.TryRent(size, out byte[]? buffer));
        Assert.Equal(expectedBytes, buffer.Length);
        Assert.Equal(expectedBytes, pool.BytesRented);
    }

    [Theory]
    [InlineData(65537)]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void Refuses_sizes_without_a_class(int size)
    {
        BufferPool pool = new(long.MaxValue);
        Assert.False(pool.TryRent(size, out byte[]? buffer));
        Assert.Null(buffer);
        Assert.Equal(0, pool.BytesRented);
        Assert.Equal(1, pool.Refusals);
    }

    [Fact]
    public void Budget_counts_whole_buffers_and_holds()
    {
        BufferPool pool = new(2048);
        Assert.True(pool.TryRent(1025, out byte[]? whole));
        Assert.False(pool.TryRent(1, out _));
        pool.Return(whole);
        Assert.True(pool.TryRent(600, out _));
        Assert.True(pool.TryRent(1, out _));
        Assert.True(pool.TryRent(1, out _));
        Assert.False(pool.TryRent(1, out _));
        Assert.Equal(2048, pool.BytesRented);
        Assert.Equal(2, pool.Refusals);
    }

    [Fact]
    public void Reuses_what_came_back_without_allocating()
    {
        BufferPool pool = new(1 << 20);
        Assert.True(pool.TryRent(4096, out byte[]? first));
        pool.Return(first);
        Assert.Equal(4096, pool.BytesFree);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            if (!pool.TryRent(3000, out byte[]? again) || !ReferenceEquals(first, again))
            {
                Assert.Fail("not the returned buffer");
            }
            pool.Return(again);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(0, pool.BytesRented);
    }

    [Fact]
    public void Keeps_no_more_than_a_mebibyte_free()
    {
        BufferPool pool = new(1L << 30);
        List<byte[]> rented = [];
        for (int size = BufferPool.MinBufferBytes; size <= BufferPool.MaxBufferBytes; size *= 2)
        {
            for (int i = 0; i < 300; i++)
            {
                Assert.True(pool.TryRent(size, out byte[]? buffer));
                rented.Add(buffer);
            }
        }
        rented.ForEach(pool.Return);
        Assert.Equal(0, pool.BytesRented);
        Assert.Equal(1 << 20, BufferPool.MaxFreeBytes);
        Assert.Equal(BufferPool.MaxFreeBytes, pool.BytesFree);
    }

    [Fact]
    public void Buffers_out_at_the_same_time_are_distinct()
    {
        BufferPool pool = new(1 << 20);
        HashSet<byte[]> seen = new(ReferenceEqualityComparer.Instance);
        List<byte[]> rented = [];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 100; i++)
            {
                Assert.True(pool.TryRent(512, out byte[]? buffer));
                rented.Add(buffer);
                Assert.True(seen.Add(buffer));
            }
            rented.ForEach(pool.Return);
            rented.Clear();
            seen.Clear();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(256)]
    [InlineData(1000)]
    [InlineData(131072)]
    [InlineData(2048)]
    public void Throws_on_an_array_that_cannot_be_its_own(int length)
    {
        BufferPool pool = new(1 << 20);
        Assert.True(pool.TryRent(1024, out _));
        Assert.Throws<ArgumentException>(() => pool.Return(new byte[length]));
        Assert.Equal(1024, pool.BytesRented);
    }
}
