using Microsoft.AspNetCore.Http;

namespace KubeBpfBox.Agent.Api;

/// <summary>Bounds what queries may cost: few at a time, each for a short while and only as long as somebody waits for it; equal ones share one answer.</summary>
/// <remarks>Threads: any. Memory: the answers of the last second until the next query comes, <see cref="MaxKept"/> of <see cref="MaxKeptBytes"/> at most.</remarks>
internal sealed class QueryGate : IDisposable
{
    /// <summary>Queries that run at the same time: one more than the page asks for at once.</summary>
    public const int MaxRunning = 2;

    private const int MaxKept = 8;
    private const int MaxKeptBytes = 256 * 1024;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _places = new(MaxRunning);
    private readonly Dictionary<string, Flight> _flights = [];
    private readonly TimeSpan _patience;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;

    /// <param name="patience">How long one waits for its turn.</param>
    /// <param name="limit">How long one may take.</param>
    /// <param name="time">Says when an answer is a second old.</param>
    public QueryGate(TimeSpan? patience = null, TimeSpan? limit = null, TimeProvider? time = null)
    {
        _patience = patience ?? TimeSpan.FromSeconds(2);
        _limit = limit ?? TimeSpan.FromSeconds(5);
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Runs a query for a client and answers with its JSON, or says why not.</summary>
    /// <param name="context">The client.</param>
    /// <param name="isShared">Whether an answer may be one that was given to somebody else within a second.</param>
    /// <param name="query">Answers; see <see cref="AskAsync"/>.</param>
    public async Task AnswerAsync(HttpContext context, bool isShared, Func<CancellationToken, ReadOnlyMemory<byte>> query)
    {
        try
        {
            string? key = isShared ? $"{context.Request.Path}{context.Request.QueryString}" : null;
            ReadOnlyMemory<byte> answer = await AskAsync(key, query, context.RequestAborted).ConfigureAwait(false);
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = answer.Length;
            await context.Response.Body.WriteAsync(answer, context.RequestAborted).ConfigureAwait(false);
        }
        catch (QueryRefusedException e)
        {
            context.Response.Headers.RetryAfter = "2";
            await Router.ProblemAsync(context, StatusCodes.Status503ServiceUnavailable, e.Message).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a query, or takes the answer of an equal one.</summary>
    /// <param name="key">What it asks; null for an answer that is not shared.</param>
    /// <param name="query">Answers; told to stop when nobody waits any more or its time is over.</param>
    /// <param name="client">Ends with who asks.</param>
    /// <exception cref="QueryRefusedException">Too many run, or it takes too long.</exception>
    /// <exception cref="OperationCanceledException">Who asks has gone.</exception>
    public async Task<ReadOnlyMemory<byte>> AskAsync(string? key, Func<CancellationToken, ReadOnlyMemory<byte>> query, CancellationToken client)
    {
        Flight flight = Join(key, query);
        try
        {
            return await flight.Answer.WaitAsync(client).ConfigureAwait(false);
        }
        finally
        {
            Leave(key, flight);
        }
    }

    public void Dispose() => _places.Dispose();

    private Flight Join(string? key, Func<CancellationToken, ReadOnlyMemory<byte>> query)
    {
        lock (_lock)
        {
            Forget();
            if (key is null || !_flights.TryGetValue(key, out Flight? flight))
            {
                flight = new Flight();
                flight.Answer = RunAsync(flight, query);
                if (key is not null)
                {
                    _flights.Add(key, flight);
                }
            }
            flight.Waiting++;
            return flight;
        }
    }

    private void Leave(string? key, Flight flight)
    {
        lock (_lock)
        {
            flight.Waiting--;
            bool isKept = flight.Answer.IsCompletedSuccessfully && flight.Answer.Result.Length <= MaxKeptBytes && _flights.Count <= MaxKept;
            if (flight.Waiting > 0 || isKept)
            {
                return;
            }
            // Who comes now asks anew: a failure is not shared, and what nobody waits for stops.
            if (key is not null && _flights.TryGetValue(key, out Flight? kept) && kept == flight)
            {
                _flights.Remove(key);
            }
        }
        flight.Stop.Cancel();
    }

    private void Forget()
    {
        foreach ((string key, Flight flight) in _flights)
        {
            if (flight.EndedAt is { } ended && _time.GetElapsedTime(ended).TotalSeconds >= 1)
            {
                _flights.Remove(key);
            }
        }
    }

    private async Task<ReadOnlyMemory<byte>> RunAsync(Flight flight, Func<CancellationToken, ReadOnlyMemory<byte>> query)
    {
        CancellationToken stop = flight.Stop.Token;
        if (!await _places.WaitAsync(_patience, stop).ConfigureAwait(false))
        {
            throw new QueryRefusedException($"{MaxRunning} queries run already; try again in a moment");
        }
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(stop);
        late.CancelAfter(_limit);
        try
        {
            // A thread of its own: the pool's few threads answer everything else meanwhile.
            return await Task.Factory.StartNew(() => query(late.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new QueryRefusedException($"the answer takes longer than {_limit.TotalSeconds:0.#} s; ask for a shorter range, such as last=1h");
        }
        finally
        {
            _places.Release();
            flight.EndedAt = _time.GetTimestamp();
        }
    }

    /// <summary>One query and those who wait for its answer.</summary>
    private sealed class Flight
    {
        /// <summary>Has neither a timer nor a handle: nothing to dispose of, and it may be told to stop when it has ended.</summary>
        public CancellationTokenSource Stop { get; } = new();

        public Task<ReadOnlyMemory<byte>> Answer { get; set; } = null!;

        public int Waiting { get; set; }

        public long? EndedAt { get; set; }
    }
}

/// <summary>A query is not answered; the message says why and what to do.</summary>
internal sealed class QueryRefusedException(string message) : Exception(message);
