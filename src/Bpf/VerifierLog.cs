namespace KubeBpfBox.Bpf;

/// <summary>Finds the telling line of a verifier log.</summary>
/// <remarks>
/// Shape: lines "; C source @ file:line", "12: (71) r1 = *(u8 *)(r2 +0) ; state", then the reason in plain words, then statistics
/// ("processed N insns …"). libbpf may add CO-RE notes after it. Source: kernel/bpf/verifier.c, libbpf fixup_verifier_log.
/// </remarks>
internal static class VerifierLog
{
    internal readonly record struct Summary(string Reason, string? Instruction, string? Source, int LineCount);

    // What the verifier prints beside reasons and instructions.
    private static readonly string[] s_noise =
    [
        "processed ", "verification time", "stack depth", "max_states", "peak_states", "mark_precise", "mark_read", "last_idx", "regs=",
        "parent didn't have", "parent already had", "from ", "propagating ", "func#", "Validating ", "arg#", "reg type unsupported",
        "-- BEGIN", "-- END", "caller:", "callee:", "returning from callee", "to caller at", "frame",
    ];

    /// <summary>Total: any text gives a summary.</summary>
    internal static Summary Summarize(string log)
    {
        string[] lines = log.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        int at = lines.Length - 1;
        while (at >= 0 && !IsReason(lines[at]))
        {
            at--;
        }
        string reason = at >= 0 ? lines[at] : lines.LastOrDefault() ?? "the verifier gave no log";
        // A reason may be two lines: "invalid access to packet, off=0 size=1, …" and "R2 offset is outside of the packet".
        if (at > 0 && IsReason(lines[at - 1]))
        {
            reason = $"{lines[at - 1]}: {reason}";
            at--;
        }
        string? instruction = null, source = null;
        for (int i = at - 1; i >= 0 && source is null; i--)
        {
            if (instruction is null && IsInstruction(lines[i]))
            {
                instruction = Shorten(lines[i]);
            }
            else if (lines[i].StartsWith("; ", StringComparison.Ordinal))
            {
                source = lines[i][2..];
            }
        }
        return new Summary(reason, instruction, source, lines.Length);
    }

    private static bool IsReason(string line) =>
        !line.StartsWith(';') && !IsInstruction(line) && !IsRegisters(line)
        && !s_noise.Any(noise => line.StartsWith(noise, StringComparison.Ordinal));

    /// <summary>"12: (71) …", and "12: R1=ctx(…)" of older kernels.</summary>
    private static bool IsInstruction(string line)
    {
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && line.AsSpan(0, colon).IndexOfAnyExceptInRange('0', '9') < 0;
    }

    /// <summary>"R0=inv(id=0) R1_w=ctx(…)": a state, unlike "R1 invalid mem access 'scalar'".</summary>
    private static bool IsRegisters(string line)
    {
        int end = line.IndexOfAny([' ', '=']);
        return line.StartsWith('R') && end > 1 && line[end] == '=';
    }

    private static string Shorten(string line)
    {
        int state = line.IndexOf(" ; ", StringComparison.Ordinal);
        return (state > 0 ? line[..state] : line).TrimEnd();
    }
}
