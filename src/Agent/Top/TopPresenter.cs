using System.Buffers;
using System.Text;
using System.Text.Json;
using KubeBpfBox.Agent.Live;

namespace KubeBpfBox.Agent.Top;

/// <summary>The ways in which <c>top</c> shows its table.</summary>
/// <remarks>Errors: <see cref="AgentException"/> when the first answer does not come, or the agent refuses. Each returns the process's exit code.</remarks>
internal sealed class TopPresenter(TopClient client, TopQuery query)
{
    private const int MostRows = 1000;

    /// <summary>On a terminal, until the person quits.</summary>
    public async Task<int> RunAsync(TimeSpan interval, CancellationToken stop)
    {
        if (await FirstAsync(Terminal.Size.Height * 3, stop).ConfigureAwait(false) is { } model)
        {
            using TopRun run = new(client, model, interval, TerminalTraits.HasColors);
            await run.RunAsync(stop).ConfigureAwait(false);
        }
        return ExitCode.Fine;
    }

    /// <summary>As text, once.</summary>
    public async Task<int> PrintTextAsync(CancellationToken stop)
    {
        if (await FirstAsync(MostRows, stop).ConfigureAwait(false) is { } model)
        {
            TopScreen screen = new(new TopCanvas(TerminalTraits.HasStyles, TerminalTraits.HasColors));
            Print(Encoding.UTF8.GetBytes(string.Concat(screen.DrawOnce(model, TerminalTraits.IsTerminal ? Terminal.Size.Width : null).Select(static line => line + "\n"))));
        }
        return ExitCode.Fine;
    }

    /// <summary>As JSON, once: each workload a line, as the API has it.</summary>
    public async Task<int> PrintJsonAsync(CancellationToken stop)
    {
        if (await AnswerAsync(() => client.RawWorkloadsAsync(query, MostRows, TopScreen.Points, stop), stop).ConfigureAwait(false) is { } rows)
        {
            ArrayBufferWriter<byte> lines = new(4096);
            foreach (JsonElement row in rows)
            {
                // Written anew and not copied: what is not ASCII is escaped, whoever sent it.
                using Utf8JsonWriter json = new(lines);
                row.WriteTo(json);
                json.Flush();
                lines.Write("\n"u8);
            }
            Print(lines.WrittenSpan);
        }
        return ExitCode.Fine;
    }

    private static void Print(ReadOnlySpan<byte> text)
    {
        using StandardOutput output = new();
        _ = output.TryWrite(text);
    }

    /// <summary>A model with its first answer; null when it was told to stop meanwhile.</summary>
    private async Task<TopModel?> FirstAsync(int rows, CancellationToken stop)
    {
        if (await AnswerAsync(() => client.WorkloadsAsync(query, Math.Clamp(rows, 1, MostRows), TopScreen.Points, stop), stop).ConfigureAwait(false) is not { } data)
        {
            return null;
        }
        TopModel model = new(query);
        model.Take(data);
        return model;
    }

    private async Task<T?> AnswerAsync<T>(Func<Task<T>> question, CancellationToken stop)
        where T : class
    {
        try
        {
            return await question().ConfigureAwait(false);
        }
        catch (Exception e) when (AgentConnection.IsPassing(e, stop))
        {
            throw client.NoAnswer(e);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
