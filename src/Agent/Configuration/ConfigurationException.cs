namespace KubeBpfBox.Agent.Configuration;

/// <summary>Configuration that cannot be used. The message is one line and names the file and line, variable or option, and the key.</summary>
internal sealed class ConfigurationException(string message) : Exception(message);
