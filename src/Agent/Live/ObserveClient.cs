using System.Buffers;
using System.Net.ServerSentEvents;
using System.Text;

namespace KubeBpfBox.Agent.Live;

/// <summary>Writes bytes; false when nobody reads any more.</summary>
internal delegate bool OutputWriter(ReadOnlySpan<byte> bytes);

/// <summary>Follows an agent's stream of transactions and prints each event as a line; comes back when the agent restarts.</summary>
internal sealed class ObserveClient : IDisposable
{
    private const int FirstPauseMs = 250;
    private const int MaxPauseMs = 10_000;

    private readonly string _stream;
    private readonly OutputWriter _write;
    private readonly Action<string> _tell;
    private readonly bool _showsHead;
    private readonly AgentConnection _agent;
    private readonly ArrayBufferWriter<byte> _line = new(1024);

    /// <summary>Makes a client.</summary>
    /// <param name="agent">The agent's address.</param>
    /// <param name="token">Bearer token; null for none.</param>
    /// <param name="query">Of the stream, such as "output=json".</param>
    /// <param name="write">Takes the lines.</param>
    /// <param name="tell">Takes messages for people.</param>
    /// <param name="showsHead">Prints the names of the columns, too.</param>
    public ObserveClient(Uri agent, string? token, string query, OutputWriter write, Action<string> tell, bool showsHead = false)
    {
        _showsHead = showsHead;
        _agent = new AgentConnection(agent, token);
        _stream = "/api/transactions/stream?" + query;
        _write = write;
        _tell = tell;
    }

    /// <summary>Follows until it is cancelled or nobody reads the output.</summary>
    /// <returns>The process's exit code.</returns>
    /// <exception cref="AgentException">The first connection failed, or the agent refuses.</exception>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        bool wasConnected = false;
        int pauseMs = FirstPauseMs;
        try
        {
            while (true)
            {
                string trouble;
                try
                {
                    using HttpResponseMessage response = await _agent.GetAsync(_stream, "text/event-stream", stop).ConfigureAwait(false);
                    if (wasConnected)
                    {
                        _tell($"connected to {_agent.Agent} again");
                    }
                    wasConnected = true;
                    pauseMs = FirstPauseMs;
                    if (!await CopyAsync(response, stop).ConfigureAwait(false))
                    {
                        return ExitCode.Fine;
                    }
                    trouble = "the agent ended the stream";
                }
                catch (Exception e) when (AgentConnection.IsPassing(e, stop))
                {
                    trouble = AgentConnection.Reason(e);
                }
                if (!wasConnected)
                {
                    throw _agent.NoAnswer(trouble);
                }
                if (pauseMs == FirstPauseMs)
                {
                    _tell($"lost {_agent.Agent} ({trouble}); trying again until it is back");
                }
                await Task.Delay(pauseMs, stop).ConfigureAwait(false);
                pauseMs = Math.Min(MaxPauseMs, pauseMs * 2);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Fine;
        }
    }

    public void Dispose() => _agent.Dispose();

    /// <summary>Prints events; false when nobody reads any more.</summary>
    private async Task<bool> CopyAsync(HttpResponseMessage response, CancellationToken stop)
    {
        await using Stream stream = await response.Content.ReadAsStreamAsync(stop).ConfigureAwait(false);
        SseParser<bool> parser = SseParser.Create(stream, (type, data) => TakeEvent(type, data));
        await foreach (SseItem<bool> item in parser.EnumerateAsync(stop).ConfigureAwait(false))
        {
            if (!item.Data)
            {
                return false;
            }
        }
        return true;
    }

    private bool TakeEvent(string type, ReadOnlySpan<byte> data)
    {
        if (type == "missed")
        {
            _tell($"{Encoding.ASCII.GetString(data)} transactions were not shown: this reader is too slow");
            return true;
        }
        if (type != SseParser.EventTypeDefault && !(type == "head" && _showsHead))
        {
            return true;
        }
        // One write a line: a reader such as head sees whole lines.
        _line.ResetWrittenCount();
        _line.Write(data);
        _line.Write("\n"u8);
        return _write(_line.WrittenSpan);
    }
}
