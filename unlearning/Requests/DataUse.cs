namespace EscNative.Unlearning;

/// <summary>Which training data a method may look at.</summary>
public enum DataUse
{
    /// <summary>Only the data to forget (D_f).</summary>
    ForgetOnly,

    /// <summary>The remaining data (D_r) too.</summary>
    ForgetAndRemain,
}
