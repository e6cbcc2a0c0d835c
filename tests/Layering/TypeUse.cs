namespace EscNative.Tests.Layering;

/// <summary>A type by its outermost: what the compiler makes of a lambda or an iterator counts as the type that it stands in.</summary>
internal readonly record struct TypeName(string Namespace, string Name)
{
    public override string ToString() => $"{Namespace}.{Name}";
}

/// <summary>That a type names another one, in whatever way.</summary>
internal readonly record struct TypeUse(TypeName User, TypeName Used);
