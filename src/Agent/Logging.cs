using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace KubeBpfBox.Agent;

/// <summary>Messages: one line each, on standard error, so that standard output is data only.</summary>
internal static class Logging
{
    /// <summary>Makes the loggers.</summary>
    /// <param name="level">Least severe level: a value of log.level.</param>
    public static ILoggerFactory Create(string level) => LoggerFactory.Create(builder =>
    {
        LogLevel least = Enum.Parse<LogLevel>(level, ignoreCase: true);
        builder.SetMinimumLevel(least);
        builder.AddFilter("Microsoft", least < LogLevel.Information ? least : LogLevel.Warning);
        // Tells what is thrown and told in one line anyway, with a stack of forty.
        builder.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.AddSimpleConsole(static options =>
        {
            options.SingleLine = true;
            options.TimestampFormat = "HH:mm:ss.fff ";
            options.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
        });
        builder.Services.Configure<ConsoleLoggerOptions>(static options => options.LogToStandardErrorThreshold = LogLevel.Trace);
    });
}
