using System.Text;
using KubeBpfBox.Core.Export;

namespace KubeBpfBox.Fuzz;

/// <summary>A segment of the spool that holds any bytes.</summary>
internal sealed class SpoolTarget : IFuzzTarget
{
    private const string FileName = "log-0000000001.spool";

    public string Name => "spool";

    public IEnumerable<byte[]> Seeds()
    {
        byte[][] seeds = [[], []];
        InDirectory(path =>
        {
            using (Spool spool = Open(path))
            {
                for (int i = 0; i < 4; i++)
                {
                    byte[] text = Encoding.ASCII.GetBytes(new string((char)('a' + i), 100 * (i + 1)));
                    FuzzException.Require(spool.TryAppend(new ExportBatch(ExportKind.Log, i, i, text), out SpoolTicket ticket), "a batch finds room");
                    if (i == 0)
                    {
                        Spool.Settle(ticket);
                    }
                }
            }
            seeds[0] = File.ReadAllBytes(Path.Combine(path, FileName));
            seeds[1] = seeds[0][..^10];
        });
        return seeds;
    }

    public void Run(byte[] input) => InDirectory(path =>
    {
        File.WriteAllBytes(Path.Combine(path, FileName), input);
        using Spool spool = Open(path);
        long waiting = spool.Items(ExportKind.Log);
        FuzzException.Require(spool.Bytes <= input.Length, "no more is on disk than was there");
        while (spool.TryTake(out ExportBatch batch, out SpoolTicket ticket))
        {
            FuzzException.Require(batch.Payload.Length <= SpoolRecord.MaxLength, "payloads are bounded");
            waiting -= batch.Items;
            Spool.Settle(ticket);
        }
        FuzzException.Require(waiting >= 0, "no more is taken than was found");
        FuzzException.Require(spool.Items(ExportKind.Log) == 0 && spool.Bytes == 0, "nothing is left");
    });

    private static Spool Open(string path) => Spool.Open(path, 1 << 20, static (_, _, _) => { }, static _ => { });

    private static void InDirectory(Action<string> action)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("kubebpfbox-fuzz-");
        try
        {
            action(directory.FullName);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
