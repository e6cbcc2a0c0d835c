using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>The table of product kernels, as tests go through it.</summary>
internal static class ProductRows
{
    /// <summary>The row of a name.</summary>
    public static ProductVariant Named(string name) => ProductVariants.All.Single(row => row.Name == name);

    /// <summary>The rows of a pass that exist for a type.</summary>
    public static ProductVariant[] Of(ProductPass pass, DType type) => Array.FindAll(ProductVariants.Of(pass), row => row.Types.Contains(type));
}
