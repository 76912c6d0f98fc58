using System.Runtime.InteropServices;
using System.Threading.Channels;
using KubeBpfBox.Agent.Live;

namespace KubeBpfBox.Agent.Top;

/// <summary><c>top</c> on a terminal: asks the agent again and again, takes keys, draws.</summary>
/// <remarks>
/// Everything that happens (a key, an answer, another size) comes through one queue and is dealt with by one loop, so that the model needs no lock. Asking runs beside it: a key
/// never waits for the agent.
/// </remarks>
internal sealed class TopRun : IDisposable
{
    private const int KeyWaitMs = 100;
    private const int EscapeWaitMs = 50;

    private readonly TopClient _client;
    private readonly TopModel _model;
    private readonly TimeSpan _interval;
    private readonly TopScreen _screen;
    private readonly Terminal _terminal = new();
    private readonly ScreenWriter _writer = new();
    private readonly Channel<Action> _happenings = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private CancellationTokenSource _ask = new();
    private AgentException? _refused;
    private bool _isOver;

    /// <summary>Takes nothing yet.</summary>
    /// <param name="client">Of the agent.</param>
    /// <param name="model">With its first answer, so that what is wrong from the start is told as a plain line.</param>
    /// <param name="interval">Between two questions.</param>
    /// <param name="hasColors">The terminal shows colours.</param>
    public TopRun(TopClient client, TopModel model, TimeSpan interval, bool hasColors)
    {
        (_client, _model, _interval) = (client, model, interval);
        _screen = new TopScreen(new TopCanvas(isTerminal: true, hasColors));
    }

    /// <summary>Runs until the person quits, the terminal is gone or it is told to stop.</summary>
    /// <exception cref="AgentException">There is no terminal, or the agent refuses from now on.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using PosixSignalRegistration resized = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Happen(static () => { }));
        using PosixSignalRegistration resumed = PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => Happen(Resume));
        _terminal.Enter();
        Thread keys = new(() => ReadKeys(end)) { IsBackground = true, Name = "keys" };
        keys.Start();
        Task asking = AskAsync(end.Token);
        try
        {
            while (!_isOver && Draw() && await _happenings.Reader.WaitToReadAsync(end.Token).ConfigureAwait(false))
            {
                while (_happenings.Reader.TryRead(out Action? happening))
                {
                    happening();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
        finally
        {
            _terminal.Leave();
            await end.CancelAsync().ConfigureAwait(false);
            await asking.ConfigureAwait(false);
            keys.Join();
        }
        if (_refused is not null)
        {
            throw _refused;
        }
    }

    public void Dispose()
    {
        _terminal.Dispose();
        _ask.Dispose();
    }

    private void Happen(Action happening) => _happenings.Writer.TryWrite(happening);

    private void Resume()
    {
        _terminal.Retake();
        _writer.Forget();
    }

    private bool Draw()
    {
        (int width, int height) = Terminal.Size;
        string text = _writer.Update(_screen.Draw(_model, width, height), width);
        return text.Length == 0 || _terminal.TryWrite(text);
    }

    private void Press(TerminalKey key)
    {
        switch (_model.Press(key))
        {
            case TopAction.Quit:
                _isOver = true;
                break;
            case TopAction.Ask:
                // Ends the pause, and a question that is no longer the one.
                _ask.Cancel();
                break;
            case TopAction.Suspend:
                _terminal.Suspend();
                _writer.Forget();
                break;
            case TopAction.Redraw:
                _writer.Forget();
                break;
        }
    }

    private async Task AskAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            // What is asked is the model's, and the model is the loop's: the question is made there.
            TaskCompletionSource<(Func<CancellationToken, Task<TopData>>? Question, CancellationToken Other)> turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Happen(() => turn.SetResult(NextQuestion()));
            try
            {
                (Func<CancellationToken, Task<TopData>>? question, CancellationToken other) = await turn.Task.WaitAsync(stop).ConfigureAwait(false);
                using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop, other);
                if (question is not null)
                {
                    await AnswerAsync(question, either.Token).ConfigureAwait(false);
                }
                await Task.Delay(_interval, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                // Another question, or the end.
            }
        }
    }

    private (Func<CancellationToken, Task<TopData>>? Question, CancellationToken Other) NextQuestion()
    {
        if (_ask.IsCancellationRequested)
        {
            _ask.Dispose();
            _ask = new CancellationTokenSource();
        }
        else if (_model.IsPaused)
        {
            return (null, _ask.Token);
        }
        (TopQuery query, int rows, TopWorkloadRef? opened) = (_model.Query, _model.WantedRows, _model.Opened);
        return (opened is null ? stop => _client.WorkloadsAsync(query, rows, TopScreen.Points, stop) : stop => _client.WorkloadAsync(query, opened, TopScreen.Points, stop), _ask.Token);
    }

    private async Task AnswerAsync(Func<CancellationToken, Task<TopData>> question, CancellationToken stop)
    {
        try
        {
            TopData data = await question(stop).ConfigureAwait(false);
            Happen(() => _model.Take(data));
        }
        catch (Exception e) when (AgentConnection.IsPassing(e, stop))
        {
            Happen(() => _model.Lose(AgentConnection.Reason(e)));
        }
        catch (AgentException e)
        {
            Happen(() => (_refused, _isOver) = (e, true));
        }
    }

    private void ReadKeys(CancellationTokenSource end)
    {
        byte[] buffer = new byte[256];
        int kept = 0;
        while (!end.IsCancellationRequested)
        {
            int count = Terminal.Read(buffer.AsSpan(kept), kept > 0 ? EscapeWaitMs : KeyWaitMs);
            if (count < 0)
            {
                end.Cancel();
                return;
            }
            ReadOnlySpan<byte> rest = buffer.AsSpan(0, kept + count);
            // Nothing more came: what waits is all there is of its key. A sequence that fills the buffer is none.
            bool isAll = count == 0 || rest.Length == buffer.Length;
            while (TerminalKey.TryRead(rest, isAll, out TerminalKey key, out int consumed))
            {
                rest = rest[consumed..];
                Happen(() => Press(key));
            }
            kept = rest.Length;
            rest.CopyTo(buffer);
        }
    }
}
