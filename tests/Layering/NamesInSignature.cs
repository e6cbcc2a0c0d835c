using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace EscNative.Tests.Layering;

/// <summary>Tells every type that a signature or an attribute's arguments name.</summary>
internal sealed class NamesInSignature(Action<TypeName> use) : ISignatureTypeProvider<TypeName, object?>, ICustomAttributeTypeProvider<TypeName>
{
    private static readonly TypeName Other = new("System", "Object");

    /// <summary>A type of this assembly.</summary>
    public static TypeName NameOf(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil)
            type = metadata.GetTypeDefinition(type.GetDeclaringType());
        return new TypeName(metadata.GetString(type.Namespace), metadata.GetString(type.Name));
    }

    /// <summary>A type of another one.</summary>
    public static TypeName NameOf(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        while (type.ResolutionScope.Kind == HandleKind.TypeReference)
            type = metadata.GetTypeReference((TypeReferenceHandle)type.ResolutionScope);
        return new TypeName(metadata.GetString(type.Namespace), metadata.GetString(type.Name));
    }

    public TypeName GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => Told(NameOf(reader, handle));

    public TypeName GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => Told(NameOf(reader, handle));

    public TypeName GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

    // "EscNative.Engine.Shape+Nested, EscNative.Engine, Version=...": of a generic type its arguments follow in brackets.
    public TypeName GetTypeFromSerializedName(string name)
    {
        var full = name.Split(',', '+', '`', '[')[0];
        var dot = full.LastIndexOf('.');
        return Told(new TypeName(dot < 0 ? "" : full[..dot], full[(dot + 1)..]));
    }

    public TypeName GetModifiedType(TypeName modifier, TypeName unmodifiedType, bool isRequired) => unmodifiedType;

    public TypeName GetSZArrayType(TypeName elementType) => elementType;

    public TypeName GetArrayType(TypeName elementType, ArrayShape shape) => elementType;

    public TypeName GetByReferenceType(TypeName elementType) => elementType;

    public TypeName GetPointerType(TypeName elementType) => elementType;

    public TypeName GetPinnedType(TypeName elementType) => elementType;

    public TypeName GetGenericInstantiation(TypeName genericType, ImmutableArray<TypeName> typeArguments) => genericType;

    public TypeName GetGenericMethodParameter(object? genericContext, int index) => Other;

    public TypeName GetGenericTypeParameter(object? genericContext, int index) => Other;

    public TypeName GetFunctionPointerType(MethodSignature<TypeName> signature) => Other;

    public TypeName GetPrimitiveType(PrimitiveTypeCode typeCode) => Other;

    public TypeName GetSystemType() => new("System", "Type");

    public bool IsSystemType(TypeName type) => type is { Namespace: "System", Name: "Type" };

    // Asked for an enum's value in an attribute. Those of the base class library and ours are ints, and so is what the compiler writes.
    public PrimitiveTypeCode GetUnderlyingEnumType(TypeName type) => PrimitiveTypeCode.Int32;

    private TypeName Told(TypeName name)
    {
        use(name);
        return name;
    }
}
