namespace KubeBpfBox.Bpf;

/// <summary>A member of a C struct or union.</summary>
/// <param name="Name">Its name; members of anonymous structs and unions appear as if they were the outer's own, as in C.</param>
/// <param name="OffsetBits">From the start of the outer struct.</param>
/// <param name="SizeBytes">Size of its type; 0 for a flexible array.</param>
/// <param name="BitFieldBits">Width of a bit-field, 0 for a plain member.</param>
/// <param name="TypeName">As in C, such as "struct task_struct *" or "unsigned char[16]".</param>
public sealed record BtfMember(string Name, int OffsetBits, int SizeBytes, int BitFieldBits, string TypeName)
{
    /// <summary>Offset in bytes, of a bit-field that of the byte it starts in.</summary>
    public int Offset => OffsetBits / 8;
}

/// <summary>Layout of a C struct or union.</summary>
/// <param name="Name">Its tag.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Members">In the order of the declaration, anonymous ones flattened.</param>
public sealed record BtfStruct(string Name, int Size, IReadOnlyList<BtfMember> Members)
{
    /// <summary>The member of that name, or null.</summary>
    public BtfMember? Find(string member) => Members.FirstOrDefault(candidate => candidate.Name == member);
}

/// <summary>An argument of a function or tracepoint.</summary>
/// <param name="Name">Its name; empty where BTF has none.</param>
/// <param name="TypeName">As in C.</param>
public readonly record struct BtfParameter(string Name, string TypeName);
