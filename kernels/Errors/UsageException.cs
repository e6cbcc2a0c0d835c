namespace EscNative;

/// <summary>An argument or option that makes no sense, with the fix in its message.</summary>
/// <param name="message">The option, what it got, what it accepts.</param>
public sealed class UsageException(string message) : EscException(ErrorCode.Usage, message)
{
    /// <summary>Refuses an option that makes no sense.</summary>
    /// <param name="sensible">Whether it does.</param>
    /// <param name="operation">Whose option it is.</param>
    /// <param name="option">Its name.</param>
    /// <param name="got">Its value.</param>
    /// <param name="wants">What it may be.</param>
    /// <exception cref="UsageException">It does not: the message names all four.</exception>
    public static void Require(bool sensible, string operation, string option, object got, string wants)
    {
        if (!sensible)
            throw new UsageException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{operation}: {option}: got {got}, wants {wants}"));
    }

    /// <inheritdoc cref="Require"/>
    /// <remarks>A finite number of 0 or more.</remarks>
    public static void RequireNonNegative(string operation, string option, double got) =>
        Require(got >= 0 && double.IsFinite(got), operation, option, got, "a number of 0 or more");

    /// <inheritdoc cref="Require"/>
    /// <remarks>A finite number above 0.</remarks>
    public static void RequirePositive(string operation, string option, double got) =>
        Require(got > 0 && double.IsFinite(got), operation, option, got, "a number above 0");

    /// <inheritdoc cref="Require"/>
    /// <remarks>A count, given or not.</remarks>
    public static void RequireCount(string operation, string option, long? got, long least = 1) =>
        Require(got is null || got >= least, operation, option, got ?? 0, $"{least} or more");
}
