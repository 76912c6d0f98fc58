using System.Buffers;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Records;

public sealed class TransactionColumnsTests
{
    private readonly TransactionColumns _columns = new();

    [Fact]
    public void A_head_is_due_at_first_and_when_a_column_grows()
    {
        Assert.True(Fit("web"));
        Assert.False(Fit("web"));
        Assert.True(Fit(new string('a', 30)));
        Assert.Equal((TransactionColumns.LeastWidth, 32), (_columns.SourceWidth, _columns.DestinationWidth));
        Assert.False(Fit(new string('a', 32)));
        Assert.False(Fit("web"));
        // What is beyond all bounds pushes its own line only.
        Assert.False(Fit(new string('a', TransactionColumns.MostWidth + 1)));
        Assert.True(Fit(new string('a', TransactionColumns.MostWidth)));
        Assert.Equal(TransactionColumns.MostWidth, _columns.DestinationWidth);
    }

    [Theory]
    [InlineData("web")]
    [InlineData("a-name-of-some-length-that-is-not-short")]
    public void Names_stand_above_their_columns(string workload)
    {
        Transaction transaction = Make(workload);
        _columns.Fit(in transaction);
        ArrayBufferWriter<byte> output = new(1000);
        _columns.WriteHead(output);
        TransactionText.Write(output, in transaction, columns: _columns);
        // The micro sign has two bytes and one column.
        string[] lines = Encoding.UTF8.GetString(output.WrittenSpan).Split('\n');
        foreach ((string name, string text) in (ReadOnlySpan<(string, string)>)[("TIME", "00:00:00"), ("ROLE", "server"), ("CLIENT", "10.0.0.1:40000"), ("SERVER", workload), ("METHOD", "GET"), ("HOST", "h/")])
        {
            Assert.Equal(lines[0].IndexOf(name, StringComparison.Ordinal), lines[1].IndexOf(text, StringComparison.Ordinal));
        }
        foreach ((string name, string text) in (ReadOnlySpan<(string, string)>)[("STA", "200"), ("TOOK", "1.00µs"), ("BYTES", "1B/2B")])
        {
            Assert.Equal(lines[0].IndexOf(name, StringComparison.Ordinal) + name.Length, lines[1].IndexOf(text, StringComparison.Ordinal) + text.Length);
        }
    }

    [Fact]
    public void Lines_of_a_stream_allocate_nothing()
    {
        ArrayBufferWriter<byte> output = new(4096);
        Transaction transaction = Make("web");
        Run(in transaction);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
        {
            Run(in transaction);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run(in Transaction one)
        {
            output.ResetWrittenCount();
            _columns.Fit(in one);
            TransactionText.Write(output, in one, ansi: true, _columns);
        }
    }

    private bool Fit(string workload)
    {
        Transaction transaction = Make(workload);
        return _columns.Fit(in transaction);
    }

    private static Transaction Make(string workload)
    {
        Connection connection = Connection.Create(Endpoint.From([10, 0, 0, 2], 80), Endpoint.From([10, 0, 0, 1], 40000), isLocalSocket: true);
        connection.Workload = new Workload(workload, "cgroup");
        return new Transaction
        {
            Connection = connection,
            Protocol = "http",
            ClientSide = Side.B,
            StartNs = 0,
            DurationNs = 1000,
            Method = "GET"u8,
            Target = "/"u8,
            Host = "h"u8,
            Status = 200,
            RequestBytes = 1,
            ResponseBytes = 2,
        };
    }
}
