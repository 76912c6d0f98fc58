using System.Runtime.InteropServices;
using KubeBpfBox.Bpf.Native;

namespace KubeBpfBox.Bpf;

public sealed unsafe partial class Btf
{
    private BtfType* Type(uint id)
    {
        BtfType* type = Libbpf.btf__type_by_id(Pointer, id);
        return type is not null ? type : throw new BpfException($"{_origin} has BTF that names type {id}, which it does not have");
    }

    private string Text(uint offset) => Marshal.PtrToStringUTF8((nint)Libbpf.btf__name_by_offset(Pointer, offset)) ?? "";

    /// <summary>Goes through typedefs and qualifiers to the type itself.</summary>
    private uint Resolve(uint id)
    {
        for (int depth = 0; depth < MaxTypeDepth; depth++)
        {
            BtfType* type = Type(id);
            if (type->Kind is not (BtfKind.Typedef or BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict or BtfKind.TypeTag))
            {
                break;
            }
            id = type->SizeOrType;
        }
        return id;
    }

    private int SizeOf(uint id) => (int)Math.Max(0, Libbpf.btf__resolve_size(Pointer, id)); // negative: void, functions

    private void AddMembers(List<BtfMember> members, BtfType* outer, int baseBits, int depth)
    {
        BtfMemberRecord* records = (BtfMemberRecord*)(outer + 1);
        for (int i = 0; i < outer->Count; i++)
        {
            BtfMemberRecord member = records[i];
            int offset = baseBits + (int)(outer->KindFlag ? member.Offset & 0xffffff : member.Offset);
            string name = Text(member.NameOffset);
            BtfType* inner = Type(Resolve(member.Type));
            if (name.Length == 0 && inner->Kind is BtfKind.Struct or BtfKind.Union && depth < MaxTypeDepth)
            {
                AddMembers(members, inner, offset, depth + 1);
                continue;
            }
            int bitFieldBits = outer->KindFlag ? (int)(member.Offset >> 24) : 0;
            members.Add(new BtfMember(name, offset, SizeOf(member.Type), bitFieldBits, TypeName(member.Type, 0)));
        }
    }

    private List<BtfParameter> Parameters(BtfType* prototype, int skip)
    {
        List<BtfParameter> parameters = [];
        BtfParameterRecord* records = (BtfParameterRecord*)(prototype + 1);
        for (int i = skip; i < prototype->Count; i++)
        {
            // Type 0 as the last parameter stands for "…".
            string type = records[i].Type == 0 ? "..." : TypeName(records[i].Type, 0);
            parameters.Add(new BtfParameter(Text(records[i].NameOffset), type));
        }
        return parameters;
    }

    private string TypeName(uint id, int depth)
    {
        if (id == 0)
        {
            return "void";
        }
        if (depth > MaxTypeDepth)
        {
            return "…";
        }
        BtfType* type = Type(id);
        string name = Text(type->NameOffset);
        switch (type->Kind)
        {
            case BtfKind.Struct:
                return Tagged("struct", name);
            case BtfKind.Union:
                return Tagged("union", name);
            case BtfKind.Enum or BtfKind.Enum64:
                return Tagged("enum", name);
            case BtfKind.Forward:
                return Tagged(type->KindFlag ? "union" : "struct", name);
            case BtfKind.Pointer:
                string target = TypeName(type->SizeOrType, depth + 1);
                return target.EndsWith('*') ? target + "*" : target + " *";
            case BtfKind.Array:
                BtfArrayRecord* array = (BtfArrayRecord*)(type + 1);
                return $"{TypeName(array->ElementType, depth + 1)}[{array->Count}]";
            case BtfKind.Const:
                return "const " + TypeName(type->SizeOrType, depth + 1);
            case BtfKind.Volatile:
                return "volatile " + TypeName(type->SizeOrType, depth + 1);
            case BtfKind.Restrict or BtfKind.TypeTag:
                return TypeName(type->SizeOrType, depth + 1);
            case BtfKind.FunctionPrototype:
                string arguments = string.Join(", ", Parameters(type, 0).Select(static parameter => parameter.TypeName));
                return $"{TypeName(type->SizeOrType, depth + 1)} ({arguments})";
            default:
                return name;
        }
    }

    private static string Tagged(string keyword, string name) => name.Length == 0 ? $"{keyword} {{…}}" : $"{keyword} {name}";
}
