using System.Buffers.Binary;
using System.Buffers.Text;

namespace KubeBpfBox.Agent.Identity;

/// <summary>Walks a directory with inode numbers, which .NET does not tell.</summary>
/// <remarks>
/// Shape: struct linux_dirent64 (include/linux/dirent.h): inode (8 bytes), offset (8), record length (2), type (1), name, NUL.
/// Lifetime: <see cref="TerminatedName"/> aliases the buffer until the next <see cref="TryRead"/>. The caller closes the descriptor.
/// </remarks>
internal ref struct DirectoryReader(int descriptor, Span<byte> buffer)
{
    public const int BufferLength = 32 * 1024;

    private const int NameOffset = 19;
    private const byte TypeUnknown = 0;
    private const byte TypeDirectory = 4;

    private readonly int _descriptor = descriptor;
    private readonly Span<byte> _buffer = buffer;
    private ReadOnlySpan<byte> _rest;
    private byte _type;

    public ulong Inode { get; private set; }

    public ReadOnlySpan<byte> TerminatedName { get; private set; }

    public readonly ReadOnlySpan<byte> Name => TerminatedName[..^1];

    /// <summary>False for what is surely no directory: some file systems do not tell the type.</summary>
    public readonly bool MayBeDirectory => _type is TypeDirectory or TypeUnknown;

    /// <summary>The name as a process id or a descriptor.</summary>
    public readonly bool TryGetNumber(out int number) => Utf8Parser.TryParse(Name, out number, out int consumed) && consumed == Name.Length && number >= 0;

    public bool TryRead()
    {
        if (_rest.Length <= NameOffset)
        {
            int length = Libc.ReadDirectory(_descriptor, _buffer);
            if (length <= NameOffset)
            {
                return false;
            }
            _rest = _buffer[..length];
        }
        int recordLength = BinaryPrimitives.ReadUInt16LittleEndian(_rest[16..]);
        if (recordLength <= NameOffset || recordLength > _rest.Length)
        {
            return false;
        }
        ReadOnlySpan<byte> name = _rest[NameOffset..recordLength];
        int end = name.IndexOf((byte)0);
        if (end < 0)
        {
            return false;
        }
        Inode = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
        _type = _rest[18];
        TerminatedName = name[..(end + 1)];
        _rest = _rest[recordLength..];
        return true;
    }
}
