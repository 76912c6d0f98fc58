namespace KubeBpfBox.Agent;

/// <summary>The agent cannot go on. The message is one line for the user: what failed, on what, why, and what to do.</summary>
internal sealed class AgentException(string message) : Exception(message);
