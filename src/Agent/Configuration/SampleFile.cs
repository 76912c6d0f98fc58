using System.Text;

namespace KubeBpfBox.Agent.Configuration;

/// <summary>Writes the sample configuration from <see cref="SettingsTable"/>: every key with its meaning, what is allowed, and its default.</summary>
internal static class SampleFile
{
    public static string Write()
    {
        StringBuilder text = new(
            "# kubebpfbox: every setting with its default. Over this file go environment variables (streams.max_bytes is\n"
            + "# KUBEBPFBOX_STREAMS_MAX_BYTES) and then --set streams.max_bytes=32MiB.\n");
        string[] open = [];
        foreach (Setting setting in SettingsTable.All)
        {
            string[] parts = setting.Key.Split('.');
            int common = 0;
            while (common < Math.Min(open.Length, parts.Length - 1) && open[common] == parts[common])
            {
                common++;
            }
            if (common == 0)
            {
                text.Append('\n');
            }
            for (int level = common; level < parts.Length - 1; level++)
            {
                text.Append(' ', level * 2).Append(parts[level]).Append(":\n");
            }
            open = parts[..^1];
            string indent = new(' ', open.Length * 2);
            text.Append(indent).Append("# ").Append(setting.Doc).Append('\n');
            text.Append(indent).Append("# Allowed: ").Append(setting.Allowed).Append(".\n");
            string value = setting.Type == "text" ? $"\"{setting.Default}\"" : setting.Default;
            text.Append(indent).Append(parts[^1]).Append(": ").Append(value).Append('\n');
        }
        return text.ToString();
    }
}
