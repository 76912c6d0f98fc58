using System.Globalization;

namespace KubeBpfBox.Bench;

/// <summary>A table of text: the first column left, the others right.</summary>
internal sealed class Table(params string[] header)
{
    private readonly List<string[]> _rows = [header];

    public void Add(params string[] cells) => _rows.Add(cells);

    public void Print(string title)
    {
        Console.WriteLine();
        Console.WriteLine(title);
        int[] widths = [.. Enumerable.Range(0, header.Length).Select(column => _rows.Max(row => row[column].Length))];
        foreach (string[] row in _rows)
        {
            Console.WriteLine("  " + string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]))));
        }
    }
}

/// <summary>Numbers as text, and what is made of several.</summary>
internal static class Figures
{
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN
            : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    public static string Text(this double value, int digits = 2) => value.ToString("N" + digits, CultureInfo.InvariantCulture);

    public static string Text(this long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>kB as MB (of 1024 * 1024 bytes).</summary>
    public static string Mib(this long kib) => (kib / 1024.0).Text(1);
}
