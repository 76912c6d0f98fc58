namespace KubeBpfBox.Bpf;

/// <summary>The kernel's verifier refused a program. The message leads with the line that tells why.</summary>
public sealed class VerifierException : BpfException
{
    internal VerifierException(string program, string section, int errno, string log)
        : base(Compose(program, section, errno, log), errno)
    {
        Program = program;
        Log = log;
    }

    /// <summary>The program that was refused.</summary>
    public string Program { get; }

    /// <summary>The verifier's whole log: each instruction with the state of the registers.</summary>
    public string Log { get; }

    private static string Compose(string program, string section, int errno, string log)
    {
        VerifierLog.Summary summary = VerifierLog.Summarize(log);
        string message = $"{summary.Reason} (program '{program}', section '{section}'";
        if (summary.Instruction is { } instruction)
        {
            message += $", at instruction {instruction}";
        }
        if (summary.Source is { } source)
        {
            message += $", source: {source}";
        }
        return $"{message}): the verifier refused it with {Describe(errno)}; {summary.LineCount} log lines in Log";
    }
}
