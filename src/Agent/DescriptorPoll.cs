using System.Runtime.InteropServices;

namespace KubeBpfBox.Agent;

/// <summary>poll(2) for one descriptor.</summary>
internal static partial class DescriptorPoll
{
    /// <summary>POLLIN.</summary>
    public const short Readable = 1;

    /// <summary>POLLOUT.</summary>
    public const short Writable = 4;

    /// <summary>POLLERR: of a pipe, its reading end is closed.</summary>
    public const short Error = 8;

    /// <summary>POLLHUP: of a terminal, it was closed.</summary>
    public const short HungUp = 16;

    /// <summary>Waits.</summary>
    /// <param name="descriptor">Which.</param>
    /// <param name="wanted">What is waited for; <see cref="Error"/> and <see cref="HungUp"/> always are.</param>
    /// <param name="timeoutMs">How long at most; -1 for ever.</param>
    /// <returns>What is so; 0 when the time passed, or a signal came.</returns>
    public static short Wait(int descriptor, short wanted, int timeoutMs)
    {
        PollDescriptor wait = new() { Descriptor = descriptor, Events = wanted };
        return Poll(ref wait, 1, timeoutMs) > 0 ? wait.Returned : (short)0;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int timeoutMs);

    /// <summary>struct pollfd of poll(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
