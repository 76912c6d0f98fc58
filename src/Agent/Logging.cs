using KubeBpfBox.Agent.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace KubeBpfBox.Agent;

/// <summary>Messages: one line each, on standard error, so that standard output is data only, and in a file where that is wanted.</summary>
internal static class Logging
{
    /// <summary>Makes the loggers.</summary>
    /// <param name="options">Least severe level, and the file.</param>
    /// <exception cref="AgentException">The file cannot be written.</exception>
    public static ILoggerFactory Create(AgentOptions options) => LoggerFactory.Create(builder =>
    {
        LogLevel least = Enum.Parse<LogLevel>(options.LogLevel, ignoreCase: true);
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
        if (options.LogSavePath.Length > 0)
        {
            builder.AddProvider(new LogFile(Path.Combine(options.LogSavePath, options.LogFileName + options.LogFileExt), options.LogMaxBytes, (int)options.LogMaxFiles));
        }
    });
}
