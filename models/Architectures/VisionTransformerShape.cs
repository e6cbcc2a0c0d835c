namespace EscNative.Models;

/// <summary>The sizes of a vision transformer.</summary>
/// <param name="Width">d, values of a token.</param>
/// <param name="Heads">Heads of attention; they divide d.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="Patch">Rows and columns of a patch.</param>
public sealed record VisionTransformerShape(int Width, int Heads, int Depth = 12, int Patch = 16)
{
    // 64 patches a side: attention's memory grows with the fourth power.
    private const int MostPatches = 64;

    /// <summary>Whether images of a size can be cut into patches.</summary>
    /// <param name="size">Rows and columns.</param>
    /// <exception cref="UsageException">They cannot, or a size of the network makes no sense.</exception>
    public void CheckSize(int size)
    {
        UsageException.Require(Width >= 1, "vision transformer", "width", Width, "1 or more");
        UsageException.Require(Heads >= 1 && Width % Heads == 0, "vision transformer", "heads", Heads, $"1 or more that divide {Width}");
        UsageException.Require(Depth >= 1, "vision transformer", "depth", Depth, "1 or more");
        UsageException.Require(Patch >= 1, "vision transformer", "patch", Patch, "1 or more");
        if (size < Patch || size % Patch != 0 || size / Patch > MostPatches)
            throw new UsageException(FormattableString.Invariant($"size: got {size}, wants a multiple of the patch's {Patch} pixels, {Patch} to {MostPatches * Patch}"));
    }
}
