using EscNative.Kernels;

namespace EscNative.Bench.Micro;

/// <summary>One convolution of All-CNN at width 0.5, with images in memory as the plan keeps them: in a halo of zeros.</summary>
/// <param name="In">Input channels.</param>
/// <param name="Out">Output channels.</param>
/// <param name="Side">Rows and columns of the input.</param>
/// <param name="Kernel">Rows and columns of the kernel.</param>
/// <param name="Stride">Its step.</param>
public readonly record struct Layer(int In, int Out, int Side, int Kernel, int Stride)
{
    /// <summary>Every different one.</summary>
    public static IReadOnlyList<Layer> All { get; } =
    [
        new(3, 48, 32, 3, 1), new(48, 48, 32, 3, 1), new(48, 96, 32, 3, 2), new(96, 96, 16, 3, 1),
        new(96, 96, 16, 3, 2), new(96, 96, 8, 3, 1), new(96, 96, 8, 1, 1),
    ];

    /// <summary>Those for which Winograd's algorithm exists and the channels are not few.</summary>
    public static IEnumerable<Layer> Winograd => All.Where(layer => layer is { Kernel: 3, Stride: 1, In: > 3 });

    /// <summary>The sizes for some images.</summary>
    public WindowShape Shape(int batch)
    {
        var pad = (Kernel - 1) / 2;
        return new WindowShape(batch, Side, Side, In, Out, Kernel, Kernel, Stride, Stride, pad, pad, pad, pad);
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Kernel}x{Kernel}{(Stride > 1 ? $"/{Stride}" : "")} {In}-{Out} @{Side}");
}
