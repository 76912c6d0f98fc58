using System.Runtime.CompilerServices;

namespace KubeBpfBox.Bpf;

/// <summary>Compares a C# struct with the C struct it stands for, member by member, so that the two cannot drift.</summary>
/// <remarks>
/// Use, at start-up and in a test:
/// <code>
/// Event twin = default;
/// btf.Twin("event", ref twin).Field("time_ns", ref twin.TimeNs).Field("length", ref twin.Length).Check();
/// </code>
/// Offsets come from the references, so this needs no reflection and works ahead of time. <see cref="Check"/> also refuses
/// a C member that was not compared, except those called "pad", "padding", "reserved" or starting with an underscore.
/// </remarks>
/// <typeparam name="T">The C# struct.</typeparam>
public ref struct StructTwin<T>
    where T : unmanaged
{
    private readonly ref T _start;
    private readonly BtfStruct _layout;
    private readonly HashSet<string> _compared = new(StringComparer.Ordinal);
    private readonly List<string> _differences = [];

    internal StructTwin(BtfStruct layout, ref T start)
    {
        _layout = layout;
        _start = ref start;
    }

    /// <summary>Compares offset and size of a field.</summary>
    /// <param name="member">Its name in C.</param>
    /// <param name="field">The field of the very struct given to <see cref="Btf.Twin"/>.</param>
    public readonly StructTwin<T> Field<TField>(string member, ref TField field)
        where TField : unmanaged => Add(member, OffsetOf(ref field), Unsafe.SizeOf<TField>());

    /// <summary>Compares a fixed buffer: <paramref name="first"/> is its first element.</summary>
    public readonly StructTwin<T> Array<TElement>(string member, ref TElement first, int count)
        where TElement : unmanaged => Add(member, OffsetOf(ref first), Unsafe.SizeOf<TElement>() * count);

    /// <summary>Compares by numbers, without a size when it is 0.</summary>
    internal readonly StructTwin<T> Add(string member, int offset, int size)
    {
        _compared.Add(member);
        if (_layout.Find(member) is not { } found)
        {
            _differences.Add($"C has no member '{member}'");
        }
        else if (found.Offset != offset || found.BitFieldBits != 0 || (size != 0 && found.SizeBytes != size))
        {
            _differences.Add(
                $"'{member}' ({found.TypeName}) is at offset {found.Offset} with {found.SizeBytes} bytes in C, at {offset} with {(size == 0 ? "?" : size)} in C#");
        }
        return this;
    }

    /// <summary>Ends the comparison.</summary>
    /// <exception cref="BpfException">Anything differs; the message lists everything that does.</exception>
    public readonly void Check() => Check(complete: true);

    internal readonly void Check(bool complete)
    {
        if (Unsafe.SizeOf<T>() != _layout.Size)
        {
            _differences.Insert(0, $"the size is {_layout.Size} bytes in C, {Unsafe.SizeOf<T>()} in C#");
        }
        foreach (BtfMember member in _layout.Members)
        {
            if (complete && !_compared.Contains(member.Name) && !IsPadding(member.Name))
            {
                _differences.Add($"C member '{member.Name}' ({member.TypeName}, offset {member.Offset}) was not compared");
            }
        }
        if (_differences.Count > 0)
        {
            throw new BpfException($"C# {typeof(T).Name} is not struct {_layout.Name}: {string.Join("; ", _differences)}");
        }
    }

    private readonly int OffsetOf<TField>(ref TField field) => (int)Unsafe.ByteOffset(ref Unsafe.As<T, byte>(ref _start), ref Unsafe.As<TField, byte>(ref field));

    private static bool IsPadding(string name) => name is "pad" or "padding" or "reserved" || name.StartsWith('_');
}

/// <summary>Ways into <see cref="StructTwin{T}"/>.</summary>
public static class StructTwinExtensions
{
    /// <summary>Starts a comparison of <typeparamref name="T"/> with the C struct of this tag.</summary>
    public static StructTwin<T> Twin<T>(this Btf btf, string structName, ref T twin)
        where T : unmanaged => new(btf.GetStruct(structName), ref twin);

    /// <summary>Compares size and the given offsets, for structs whose fields cannot be referred to.</summary>
    /// <exception cref="BpfException">Anything differs.</exception>
    public static void CheckLayout<T>(this Btf btf, string structName, params ReadOnlySpan<(string Member, int Offset)> fields)
        where T : unmanaged
    {
        T twin = default;
        StructTwin<T> comparison = btf.Twin(structName, ref twin);
        foreach ((string member, int offset) in fields)
        {
            comparison.Add(member, offset, size: 0);
        }
        comparison.Check(complete: false);
    }
}
