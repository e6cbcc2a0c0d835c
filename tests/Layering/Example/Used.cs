namespace EscNative.Tests.Layering.Example.Used;

/// <summary>What <see cref="Users"/> of the other namespace name.</summary>
internal abstract class Base;

internal interface IContract;

internal abstract class Constraint;

[AttributeUsage(AttributeTargets.Class)]
internal sealed class ByAttributeMarkedAttribute : Attribute;

internal sealed class Marked;

internal sealed class Property;

internal sealed class Argument;

internal static class Called
{
    public static int Count() => 1;
}

internal sealed class GenericArgument;

internal sealed class CaughtException : Exception;

internal static class Closed
{
    public static string Name(int number) => $"{number}";
}

internal sealed class Yielded;

internal struct Pointed
{
    public int Value { get; set; }
}

/// <summary>The way back, which makes the circle.</summary>
internal sealed class Users
{
    public static int Count() => ByCall.Count();
}
