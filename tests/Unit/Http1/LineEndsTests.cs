using KubeBpfBox.Protocols.Http1;

namespace KubeBpfBox.Unit.Http1;

public sealed class LineEndsTests
{
    /// <summary>Every length around the block sizes and every start, against a plain loop.</summary>
    [Fact]
    public void Finds_what_a_plain_loop_finds()
    {
        Random random = new(64);
        for (int length = 0; length < 200; length++)
        {
            byte[] data = new byte[length];
            for (int i = 0; i < length; i++)
            {
                data[i] = (byte)(random.Next(6) == 0 ? '\n' : random.Next(256));
            }
            for (int start = 0; start <= length; start++)
            {
                List<int> expected = [.. Enumerable.Range(start, length - start).Where(i => data[i] == '\n')];
                List<int> found = [];
                LineEnds ends = new(data, start);
                for (int end = ends.Next(); end >= 0; end = ends.Next())
                {
                    found.Add(end);
                }
                Assert.Equal(expected, found);
                Assert.Equal(-1, ends.Next());
            }
        }
    }
}
