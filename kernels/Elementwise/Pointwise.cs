using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>y = f(x scale + shift + residual) over images: what convolutions do in their epilogue, on its own.</summary>
public static unsafe class Pointwise
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>Computes y for some images; all views have one height, width and number of channels, and any halo.</summary>
    /// <param name="images">How many images.</param>
    /// <param name="x">The operand.</param>
    /// <param name="scale">[channels], or null for 1; given together with <paramref name="shift"/>.</param>
    /// <param name="shift">[channels], or null for 0.</param>
    /// <param name="residual">The addend, or default for none.</param>
    /// <param name="relu">Whether f is max(., 0); else f is the identity. NaN stays NaN.</param>
    /// <param name="y">The result; its halo is not written. It may be x or the residual itself.</param>
    /// <exception cref="ArgumentException">The views differ in size, or scale comes without shift.</exception>
    public static void Run(int images, in ImageView x, float* scale, float* shift, in ImageView residual, bool relu, in ImageView y)
    {
        if (!SameSize(x, y) || (!residual.IsNone && !SameSize(residual, y)))
            throw new ArgumentException($"pointwise: got x {x}, residual {residual}, y {y}, wants one size");
        if ((scale == null) != (shift == null))
            throw new ArgumentException("pointwise: scale and shift come together");
        var tiles = new RowTiles((long)images * y.Height, (long)y.Width * y.Channels, SimdRunner.TileValues / 4);
        SimdRunner.Run<float, Job>(tiles.Count, new Job(x, scale, shift, residual, relu, y, tiles));
    }

    private static bool SameSize(in ImageView a, in ImageView b) => (a.Height, a.Width, a.Channels) == (b.Height, b.Width, b.Channels);

    private readonly struct Job(
        ImageView x, float* scale, float* shift, ImageView residual, bool relu, ImageView y, RowTiles tiles) : ISimdJob<float>
    {
        private readonly float* _scale = scale;
        private readonly float* _shift = shift;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, float>
        {
            for (var line = tiles.Start(tile); line < tiles.End(tile); line++)
            {
                var (image, row) = ((int)(line / y.Height), (int)(line % y.Height));
                var to = y.At(image, row, 0);
                var from = x.At(image, row, 0);
                var addend = residual.IsNone ? null : residual.At(image, row, 0);
                if (_scale == null)
                {
                    Line<V>(from, null, null, addend, relu, to, (long)y.Width * y.Channels);
                    continue;
                }

                for (var column = 0; column < y.Width; column++)
                {
                    var at = (long)column * y.Channels;
                    Line<V>(from + at, _scale, _shift, addend == null ? null : addend + at, relu, to + at, y.Channels);
                }
            }
        }

        [MethodImpl(Hot)]
        private static void Line<V>(float* x, float* scale, float* shift, float* addend, bool relu, float* y, long n)
            where V : unmanaged, ISimd<V, float>
        {
            for (var i = 0L; i < n; i += V.Count)
            {
                var value = ColumnKernels.Read<V, float>(x + i, n - i);
                if (scale != null)
                    value = V.MultiplyAdd(value, ColumnKernels.Read<V, float>(scale + i, n - i), ColumnKernels.Read<V, float>(shift + i, n - i));
                if (addend != null)
                    value += ColumnKernels.Read<V, float>(addend + i, n - i);
                if (relu)
                    value = V.Max(value, V.Zero);
                ColumnKernels.Write<V, float>(value, y + i, n - i);
            }
        }
    }
}
