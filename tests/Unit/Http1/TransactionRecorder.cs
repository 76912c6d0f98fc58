using System.Globalization;
using System.Text;
using KubeBpfBox.Core.Records;
using KubeBpfBox.Core.Streams;

namespace KubeBpfBox.Unit.Http1;

/// <summary>Writes each transaction as one line of JSON; fields at their default are left out.</summary>
internal sealed class TransactionRecorder : ITransactionObserver
{
    /// <summary>Time of the first event of a case.</summary>
    public const long EpochNs = 1_700_000_000_000_000_000;

    public List<string> Lines { get; } = [];

    public List<(string Method, string Target, int Status)> Heads { get; } = [];

    public void OnTransaction(in Transaction transaction)
    {
        Heads.Add((Text(transaction.Method), Text(transaction.Target), transaction.Status));
        StringBuilder line = new("{");
        Add(line, "client", transaction.ClientSide == Side.A ? "A" : "B");
        AddNumber(line, "start_us", (transaction.StartNs - EpochNs) / 1000, -1);
        AddNumber(line, "duration_us", transaction.DurationNs < 0 ? -1 : transaction.DurationNs / 1000, -1);
        AddNumber(line, "first_byte_us", transaction.TimeToFirstByteNs < 0 ? -1 : transaction.TimeToFirstByteNs / 1000, -1);
        Add(line, "method", Text(transaction.Method));
        Add(line, "target", Text(transaction.Target));
        Add(line, "host", Text(transaction.Host));
        Add(line, "version", transaction.Version ?? string.Empty);
        AddNumber(line, "status", transaction.Status, 0);
        AddNumber(line, "request_bytes", transaction.RequestBytes, 0);
        AddNumber(line, "request_body_bytes", transaction.RequestBodyBytes, -1);
        AddNumber(line, "response_bytes", transaction.ResponseBytes, 0);
        AddNumber(line, "response_body_bytes", transaction.ResponseBodyBytes, -1);
        Add(line, "error", transaction.Error ?? string.Empty);
        Add(line, "flags", transaction.Flags == TransactionFlags.None ? string.Empty : transaction.Flags.ToString());
        AddAttributes(line, transaction.Attributes);
        line.Length -= 2;
        Lines.Add(line.Append('}').ToString());
    }

    private static void AddAttributes(StringBuilder line, ReadOnlySpan<byte> attributes)
    {
        AttributeReader reader = new(attributes);
        while (reader.TryRead())
        {
            string key = Text(reader.Key);
            switch (reader.Kind)
            {
                case AttributeKind.Text:
                    line.Append(CultureInfo.InvariantCulture, $"\"{key}\": \"{Escape(Text(reader.Value))}\", ");
                    break;
                case AttributeKind.Boolean:
                    line.Append(CultureInfo.InvariantCulture, $"\"{key}\": {(reader.Value[0] == 1 ? "true" : "false")}, ");
                    break;
                case AttributeKind.Numbers:
                    List<long> numbers = [];
                    for (int i = 0; i < reader.NumberCount; i++)
                    {
                        numbers.Add(reader.NumberAt(i));
                    }
                    line.Append(CultureInfo.InvariantCulture, $"\"{key}\": [{string.Join(", ", numbers)}], ");
                    break;
                default:
                    line.Append(CultureInfo.InvariantCulture, $"\"{key}\": {reader.Number}, ");
                    break;
            }
        }
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    private static void Add(StringBuilder line, string key, string text)
    {
        if (text.Length > 0)
        {
            string shown = text.Length > 200 ? $"{text[..16]}... {text.Length} bytes" : text;
            line.Append(CultureInfo.InvariantCulture, $"\"{key}\": \"{Escape(shown)}\", ");
        }
    }

    private static void AddNumber(StringBuilder line, string key, long number, long absent)
    {
        if (number != absent)
        {
            line.Append(CultureInfo.InvariantCulture, $"\"{key}\": {number}, ");
        }
    }

    private static string Escape(string text)
    {
        StringBuilder escaped = new();
        foreach (char character in text)
        {
            escaped.Append(character is '"' or '\\' or < ' ' or > '~'
                ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}") : character.ToString());
        }
        return escaped.ToString();
    }
}
