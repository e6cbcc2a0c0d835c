namespace EscNative.Kernels.Cpu;

/// <summary>What the backward pass of a function needs from the forward pass.</summary>
public enum SavedValue
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The input.</summary>
    Input,

    /// <summary>The output.</summary>
    Output,
}
