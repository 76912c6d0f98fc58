using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Export;

// usage: SpoolWriter DIRECTORY FIRST
// Writes numbered batches to a spool and settles some of them, as fast as it can, until it is killed. Says on standard output what is done: "+5" batch 5 is
// written, "~3" batch 3 is about to be settled, "-3" it is.
using Spool spool = Spool.Open(args[0], 1L << 30, static (_, _, _) => { }, static _ => { });
using Stream output = Console.OpenStandardOutput();
Random random = new(Environment.ProcessId);
for (int i = int.Parse(args[1], CultureInfo.InvariantCulture); ; i++)
{
    byte[] noise = new byte[random.Next(200_000)];
    random.NextBytes(noise);
    byte[] number = Encoding.ASCII.GetBytes($"{i}\n");
    _ = spool.TryAppend(new ExportBatch(ExportKind.Log, 1, i, (byte[])[.. number, .. noise]), out _);
    Tell('+', i);
    if (i % 3 == 0 && spool.TryTake(out ExportBatch batch, out SpoolTicket ticket))
    {
        Tell('~', batch.OldestNs);
        Spool.Settle(ticket);
        Tell('-', batch.OldestNs);
    }
}

void Tell(char sign, long number) => output.Write(Encoding.ASCII.GetBytes($"{sign}{number}\n"));
