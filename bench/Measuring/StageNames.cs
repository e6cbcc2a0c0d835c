namespace EscNative.Bench.Measuring;

/// <summary>The stages of an erasure request, in the order in which they come. Methods name those between read and save.</summary>
internal static class StageNames
{
    /// <summary>The model file, from disk to parameters.</summary>
    public const string Load = "load";

    /// <summary>The image files, from disk to bytes in memory, and the choice of those to forget.</summary>
    public const string Read = "read";

    /// <summary>The network made into a plan: weights folded and packed.</summary>
    public const string Compile = "compile";

    /// <summary>The images' bytes put together for the device; normalised there.</summary>
    public const string Upload = "upload";

    /// <summary>The forward pass up to the features.</summary>
    public const string Forward = "forward";

    /// <summary>The second moments of the features, Zᵀ Z.</summary>
    public const string Gram = "gram";

    /// <summary>The top directions.</summary>
    public const string Solve = "solve";

    /// <summary>The operator set on the model.</summary>
    public const string Apply = "apply";

    /// <summary>The erased model, to disk.</summary>
    public const string Save = "save";
}
