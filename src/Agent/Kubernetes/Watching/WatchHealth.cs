using KubeBpfBox.Agent.Kubernetes.Connection;
using Microsoft.Extensions.Logging;

namespace KubeBpfBox.Agent.Kubernetes.Watching;

/// <summary>A failure that lasts.</summary>
/// <param name="Since">When it began.</param>
/// <param name="Failure">The latest reason.</param>
internal sealed record Trouble(DateTimeOffset Since, ApiException Failure);

/// <summary>How asking for one kind of object goes, and the messages about it: one when it fails, one when it works again.</summary>
/// <param name="what">What is asked for: "pods".</param>
/// <param name="consequence">What is missing without it.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Where messages go.</param>
internal sealed class WatchHealth(string what, string consequence, TimeProvider time, ILogger logger)
{
    private volatile Trouble? _trouble;

    /// <summary>What is asked for.</summary>
    public string What => what;

    /// <summary>What is missing without it.</summary>
    public string Consequence => consequence;

    /// <summary>What is wrong; null when all is well.</summary>
    public Trouble? Trouble => _trouble;

    /// <summary>An answer came.</summary>
    public void Succeed()
    {
        if (_trouble is { } trouble)
        {
            _trouble = null;
            logger.LogInformation("Kubernetes: {What} are watched again, after {Seconds:0} s", what, (time.GetUtcNow() - trouble.Since).TotalSeconds);
        }
    }

    /// <summary>None came, or a refusal.</summary>
    public void Fail(ApiException failure)
    {
        Trouble? before = _trouble;
        _trouble = new Trouble(before?.Since ?? time.GetUtcNow(), failure);
        if (before?.Failure.Message != failure.Message)
        {
            logger.LogWarning("Kubernetes: {What} cannot be watched: {Reason}; {Advice}; without them {Consequence}", what, failure.Message, failure.Advice, consequence);
        }
    }
}
