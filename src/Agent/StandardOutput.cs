using System.Runtime.InteropServices;

namespace KubeBpfBox.Agent;

/// <summary>Standard output as a stream of bytes whose reader may go away.</summary>
/// <remarks>
/// The console's own stream keeps quiet when the reader is gone, so that <c>observe | head -1</c> would run for ever; a FileStream writes at
/// positions of its own, which overwrites what a shell appends to the same file. So: write(2) and poll(2). One thread writes.
/// </remarks>
internal sealed partial class StandardOutput : IDisposable
{
    private const int StandardOutputDescriptor = 1;
    private const int InterruptedErrno = 4;
    private const int WouldBlockErrno = 11;
    private const int BrokenPipeErrno = 32;

    private readonly int _descriptor = StandardOutputDescriptor;
    private readonly PosixSignalRegistration _ignoredPipeSignal;

    public StandardOutput()
    {
        const int SigPipe = 13;
        _ignoredPipeSignal = PosixSignalRegistration.Create((PosixSignal)SigPipe, static context => context.Cancel = true);
    }

    /// <summary>Writes all bytes.</summary>
    /// <returns>False when nobody reads any more.</returns>
    /// <exception cref="AgentException">The output cannot be written, such as a full disk.</exception>
    public bool TryWrite(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            nint written = Write(_descriptor, bytes, (nuint)bytes.Length);
            if (written >= 0)
            {
                bytes = bytes[(int)written..];
                continue;
            }
            int errno = Marshal.GetLastPInvokeError();
            if (errno == BrokenPipeErrno)
            {
                return false;
            }
            if (errno == WouldBlockErrno)
            {
                _ = DescriptorPoll.Wait(_descriptor, DescriptorPoll.Writable, -1);
            }
            else if (errno != InterruptedErrno)
            {
                throw new AgentException($"standard output: {Marshal.GetPInvokeErrorMessage(errno)}");
            }
        }
        return true;
    }

    /// <summary>True once the reading end of a pipe is closed; waits at most <paramref name="timeoutMs"/> for that.</summary>
    public static bool WaitUntilClosed(int timeoutMs) => (DescriptorPoll.Wait(StandardOutputDescriptor, 0, timeoutMs) & DescriptorPoll.Error) != 0;

    public void Dispose() => _ignoredPipeSignal.Dispose();

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int descriptor, ReadOnlySpan<byte> bytes, nuint count);
}
