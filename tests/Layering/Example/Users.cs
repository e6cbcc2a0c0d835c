using EscNative.Tests.Layering.Example.Used;

namespace EscNative.Tests.Layering.Example;

/// <summary>Each of these names one type of another namespace, in a way of its own. One of those comes back to this namespace.</summary>
internal sealed class ByBase : Base;

internal sealed class ByInterface : IContract;

internal sealed class ByConstraint<T>
    where T : Constraint;

[ByAttributeMarked]
internal sealed class ByAttribute;

[TypeMark(typeof(Marked))]
internal sealed class ByAttributeValue;

internal sealed class ByProperty
{
    public Property[]? Value { get; set; }
}

internal sealed class ByArgument
{
    public static int Count(IReadOnlyList<Argument> arguments) => arguments.Count;
}

internal sealed class ByCall
{
    public static int Count() => Called.Count();
}

internal sealed class ByGenericCall
{
    public static int Count() => Array.Empty<GenericArgument>().Length;
}

internal sealed class ByCatch
{
    public static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (CaughtException)
        {
            return false;
        }
    }
}

internal sealed class ByLambda
{
    public static IEnumerable<string> Names(IEnumerable<int> numbers) => numbers.Select(n => Closed.Name(n));
}

internal sealed class ByIterator
{
    public static IEnumerable<object> Once()
    {
        yield return new Yielded();
    }
}

internal sealed class ByPointer
{
    public static unsafe int Read(void* address) => ((Pointed*)address)->Value;
}

[AttributeUsage(AttributeTargets.Class)]
internal sealed class TypeMarkAttribute(Type type) : Attribute
{
    public Type Type { get; } = type;
}
