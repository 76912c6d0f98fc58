using System.Text;
using KubeBpfBox.Core.Sinks;
using KubeBpfBox.Unit.Support;

namespace KubeBpfBox.Unit.Sinks;

public sealed class RotatingFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string FilePath => _directory.File("logs/k.jsonl");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Lines_are_kept_whole_in_so_many_files_newest_first()
    {
        using (RotatingFile file = new(FilePath, maxBytes: 10, maxFiles: 3))
        {
            for (int i = 0; i < 6; i++)
            {
                Assert.True(file.TryWrite(Encoding.ASCII.GetBytes($"a{i}\nbb{i}\n"), out _));
            }
        }
        Assert.Equal(["bb4\na5\n", "bb5\n"], new[] { Text(".1"), Text("") });
        Assert.Equal("bb3\na4\n", Text(".2"));
        Assert.Equal(3, Directory.GetFiles(Path.GetDirectoryName(FilePath)!).Length);
    }

    [Fact]
    public void A_line_longer_than_a_file_has_one_of_its_own()
    {
        using RotatingFile file = new(FilePath, maxBytes: 8, maxFiles: 4);
        Assert.True(file.TryWrite("short\n0123456789\nend\n"u8, out _));
        Assert.Equal(["end\n", "0123456789\n", "short\n"], new[] { Text(""), Text(".1"), Text(".2") });
    }

    [Fact]
    public void A_file_that_is_there_is_continued_and_counts()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        File.WriteAllText(FilePath, "before\n");
        using RotatingFile file = new(FilePath, maxBytes: 12, maxFiles: 2);
        Assert.True(file.TryWrite("one\n"u8, out _));
        Assert.True(file.TryWrite("two\n"u8, out _));
        Assert.Equal(("two\n", "before\none\n"), (Text(""), Text(".1")));
    }

    [Fact]
    public void One_file_is_begun_anew()
    {
        using RotatingFile file = new(FilePath, maxBytes: 8, maxFiles: 1);
        Assert.True(file.TryWrite("one\ntwo\nthree\n"u8, out _));
        Assert.Equal("three\n", Text(""));
    }

    [Fact]
    public void What_cannot_be_written_is_said_and_tried_again()
    {
        File.WriteAllText(_directory.File("logs"), "in the way");
        using RotatingFile file = new(FilePath, maxBytes: 100, maxFiles: 2);
        Assert.False(file.TryWrite("lost\n"u8, out string? trouble));
        Assert.StartsWith(FilePath + " cannot be written: ", trouble, StringComparison.Ordinal);
        File.Delete(_directory.File("logs"));
        Assert.True(file.TryWrite("kept\n"u8, out trouble));
        Assert.Null(trouble);
        Assert.Equal("kept\n", Text(""));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(FilePath));
    }

    private string Text(string end) => File.ReadAllText(FilePath + end);
}
