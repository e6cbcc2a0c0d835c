using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace EscNative.Tests.Layering;

/// <summary>Reads out of a compiled assembly which types name which: bases, members, generic arguments, attributes, locals and the code itself.</summary>
/// <remarks>Constants and <c>nameof</c> leave no trace in it.</remarks>
internal sealed class AssemblyUses
{
    private readonly MetadataReader _metadata;
    private readonly PEReader _file;
    private readonly HashSet<TypeUse> _uses = [];
    private readonly NamesInSignature _names;
    private TypeName _user;

    private AssemblyUses(PEReader file)
    {
        _file = file;
        _metadata = file.GetMetadataReader();
        _names = new NamesInSignature(Use);
    }

    /// <summary>Every use in an assembly.</summary>
    public static IReadOnlyCollection<TypeUse> Read(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var reader = new AssemblyUses(file);
        reader.ReadTypes();
        return reader._uses;
    }

    private void ReadTypes()
    {
        foreach (var handle in _metadata.TypeDefinitions)
        {
            var type = _metadata.GetTypeDefinition(handle);
            _user = NamesInSignature.NameOf(_metadata, handle);
            Entity(type.BaseType);
            Attributes(type.GetCustomAttributes());
            Parameters(type.GetGenericParameters());
            foreach (var implementation in type.GetInterfaceImplementations().Select(_metadata.GetInterfaceImplementation))
                Entity(implementation.Interface);
            foreach (var field in type.GetFields().Select(_metadata.GetFieldDefinition))
            {
                field.DecodeSignature(_names, null);
                Attributes(field.GetCustomAttributes());
            }

            foreach (var property in type.GetProperties().Select(_metadata.GetPropertyDefinition))
            {
                property.DecodeSignature(_names, null);
                Attributes(property.GetCustomAttributes());
            }

            foreach (var happening in type.GetEvents().Select(_metadata.GetEventDefinition))
                Entity(happening.Type);
            foreach (var method in type.GetMethods().Select(_metadata.GetMethodDefinition))
                Method(method);
        }
    }

    private void Method(MethodDefinition method)
    {
        method.DecodeSignature(_names, null);
        Attributes(method.GetCustomAttributes());
        Parameters(method.GetGenericParameters());
        foreach (var parameter in method.GetParameters().Select(_metadata.GetParameter))
            Attributes(parameter.GetCustomAttributes());
        if (method.RelativeVirtualAddress == 0)
            return;
        var body = _file.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
            _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(_names, null);
        foreach (var region in body.ExceptionRegions)
            Entity(region.CatchType);
        foreach (var token in Instructions.Tokens(body.GetILReader()))
            Entity(MetadataTokens.EntityHandle(token));
    }

    private void Parameters(GenericParameterHandleCollection parameters)
    {
        foreach (var parameter in parameters.Select(_metadata.GetGenericParameter))
        {
            Attributes(parameter.GetCustomAttributes());
            foreach (var constraint in parameter.GetConstraints().Select(_metadata.GetGenericParameterConstraint))
                Entity(constraint.Type);
        }
    }

    private void Attributes(CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes.Select(_metadata.GetCustomAttribute))
        {
            Entity(attribute.Constructor);
            attribute.DecodeValue(_names);
        }
    }

    // Whatever a token may stand for.
    private void Entity(EntityHandle handle)
    {
        if (handle.IsNil)
            return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                Use(NamesInSignature.NameOf(_metadata, (TypeDefinitionHandle)handle));
                break;
            case HandleKind.TypeReference:
                Use(NamesInSignature.NameOf(_metadata, (TypeReferenceHandle)handle));
                break;
            case HandleKind.TypeSpecification:
                _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_names, null);
                break;
            case HandleKind.MethodDefinition:
                var method = _metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
                Entity(method.GetDeclaringType());
                method.DecodeSignature(_names, null);
                break;
            case HandleKind.FieldDefinition:
                var field = _metadata.GetFieldDefinition((FieldDefinitionHandle)handle);
                Entity(field.GetDeclaringType());
                field.DecodeSignature(_names, null);
                break;
            case HandleKind.MemberReference:
                var member = _metadata.GetMemberReference((MemberReferenceHandle)handle);
                Entity(member.Parent);
                if (member.GetKind() == MemberReferenceKind.Field)
                    member.DecodeFieldSignature(_names, null);
                else
                    member.DecodeMethodSignature(_names, null);
                break;
            case HandleKind.MethodSpecification:
                var specification = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                Entity(specification.Method);
                specification.DecodeSignature(_names, null);
                break;
            case HandleKind.StandaloneSignature:
                _metadata.GetStandaloneSignature((StandaloneSignatureHandle)handle).DecodeMethodSignature(_names, null);
                break;
            default:
                throw new InvalidOperationException($"{_user}: what is a {handle.Kind}?");
        }
    }

    private void Use(TypeName used) => _uses.Add(new TypeUse(_user, used));
}
