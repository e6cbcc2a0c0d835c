namespace EscNative.Bench.Peers;

/// <summary>How far a peer's output is from ours.</summary>
/// <param name="Difference">The largest absolute difference.</param>
/// <param name="Tolerance">What is allowed.</param>
/// <param name="Of">What was compared.</param>
internal readonly record struct Agreement(double Difference, double Tolerance, string Of)
{
    /// <summary>The agreement of two arrays; an array of another length does not agree at all.</summary>
    public static Agreement Between(ReadOnlySpan<float> ours, ReadOnlySpan<float> theirs, double tolerance, string of)
    {
        if (ours.Length != theirs.Length)
            return new Agreement(double.PositiveInfinity, tolerance, of);
        var worst = 0.0;
        for (var i = 0; i < ours.Length; i++)
        {
            var difference = Math.Abs((double)ours[i] - theirs[i]);
            // A NaN on either side is no agreement.
            worst = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(worst, difference);
        }

        return new Agreement(worst, tolerance, of);
    }

    /// <summary>Whether both sides computed the same.</summary>
    public bool Holds => Difference <= Tolerance;
}
