namespace KubeBpfBox.Core.Capture;

/// <summary>A file that cannot be read as a capture. The message names the file, the byte offset and what is accepted.</summary>
public sealed class CaptureFormatException : Exception
{
    /// <summary>Makes one without a message.</summary>
    public CaptureFormatException()
    {
    }

    /// <summary>Makes one whose message is ready to be shown.</summary>
    public CaptureFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one with the failure behind it.</summary>
    public CaptureFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
