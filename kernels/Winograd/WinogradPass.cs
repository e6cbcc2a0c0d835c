using System.Numerics;
using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>The three steps of a Winograd convolution for some tiles: transform inputs, multiply at each point, transform
/// back.</summary>
/// <remarks>
/// Tiles are counted over all images. They are handled in groups of as many as the micro-kernel has rows; the last group is
/// padded to the next smaller kernel. A tile's result depends on that tile alone.
/// </remarks>
internal unsafe struct WinogradPass<TTransform>
    where TTransform : unmanaged, IWinogradTransform
{
    // The most values of a tile, in the widest vectors.
    private const int PatchFloats = 81 * 16;

    // The most columns of a panel.
    private const int MostPanelFloats = 48;

    // Images that are larger together come from memory. They are fetched ahead during the products, which need none of it;
    // in a cache they had better be left alone.
    private const int CachedImageBytes = 4 << 20;

    private readonly WindowShape _shape;
    private readonly ImageView _x, _y;
    private readonly ConvEpilogue _epilogue;
    private readonly float* _weights;
    private readonly int _tilesDown, _tilesAcross, _paddedIn;

    public WinogradPass(in WindowShape shape, in ImageView x, float* weights, in ConvEpilogue epilogue, in ImageView y)
    {
        (_shape, _x, _y, _epilogue) = (shape, x, y, epilogue);
        _weights = weights;
        _tilesDown = (shape.OutHeight + TTransform.Outputs - 1) / TTransform.Outputs;
        _tilesAcross = (shape.OutWidth + TTransform.Outputs - 1) / TTransform.Outputs;
        _paddedIn = WinogradKernels.Padded(shape.InChannels);
    }

    private static int AllPoints => TTransform.Points * TTransform.Points;

    public readonly int Tiles => _shape.Batch * _tilesDown * _tilesAcross;

    public readonly int Panels => WinogradKernels.PanelCount(_shape.OutChannels);

    /// <summary>Values of a number of transformed tiles.</summary>
    public readonly long InputFloats(int tiles) => GroupsOf(tiles) * InputGroup;

    /// <summary>Values of the products of a number of tiles with one panel.</summary>
    public static long ProductFloats(int tiles) => GroupsOf(tiles) * ProductGroup(WinogradKernels.MostColumns);

    // Values from one point to the next.
    private readonly nint InputPoint(int rows) => (nint)rows * _paddedIn + WinogradKernels.LineFloats;

    private static nint ProductPoint(int rows, int columns) => (nint)rows * columns + WinogradKernels.LineFloats;

    private readonly nint InputGroup => AllPoints * InputPoint(WinogradKernels.MostRows);

    private static nint ProductGroup(int columns) => AllPoints * ProductPoint(WinogradKernels.MostRows, columns);

    private static long GroupsOf(int tiles) => (tiles + WinogradKernels.MostRows - 1) / WinogradKernels.MostRows;

    // Rows of the kernel that computes a group.
    private static int KernelRows(int tiles) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(tiles, WinogradKernels.MostRows));

    /// <summary>Transforms tiles.</summary>
    /// <param name="first">The first tile.</param>
    /// <param name="count">How many.</param>
    /// <param name="target">[group][point][channels / lanes][tile of the group][lane]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void TransformInput<V>(int first, int count, float* target)
        where V : unmanaged, ISimd<V, float>
    {
        var memory = stackalloc float[PatchFloats + WinogradKernels.LineFloats];
        for (; count > 0; count -= WinogradKernels.MostRows, target += InputGroup)
        {
            var rows = KernelRows(count);
            for (var r = 0; r < Math.Min(rows, count); r++)
                TransformTile<V>(first++, target + r * V.Count, rows, Align(memory));
        }
    }

    // target: [point][channels / lanes], where the rows of the kernel lie between two of the latter.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TransformTile<V>(int tile, float* target, int rows, float* patch)
        where V : unmanaged, ISimd<V, float>
    {
        var points = TTransform.Points;
        var (image, row, column) = Locate(tile);
        row = row * TTransform.Stride - _shape.PadTop;
        column = column * TTransform.Stride - _shape.PadLeft;
        var halo = _x.Halo;
        var inside = row >= -halo && row + points <= _x.Height + halo && column >= -halo && column + points <= _x.Width + halo;
        var step = InputPoint(rows);
        var channels = _shape.InChannels;
        var inPlace = inside ? channels - channels % V.Count : 0;
        var x = _x.At(image, row, column);
        nint line = _x.RowStride;
        for (var channel = 0; channel < inPlace; channel += V.Count, target += rows * V.Count)
            TTransform.Input<V>(x + channel, channels, line, target, step);
        for (var channel = inPlace; channel < channels; channel += V.Count, target += rows * V.Count)
        {
            Gather<V>(image, row, column, channel, patch);
            TTransform.Input<V>(patch, V.Count, points * V.Count, target, step);
        }
    }

    // A vector of channels of each pixel of a tile; zeros for pixels outside of the image and for channels that do not exist.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private readonly void Gather<V>(int image, int row, int column, int channel, float* patch)
        where V : unmanaged, ISimd<V, float>
    {
        var points = TTransform.Points;
        var count = _shape.InChannels - channel;
        for (var i = 0; i < points; i++)
        {
            for (var j = 0; j < points; j++, patch += V.Count)
            {
                var value = V.Zero;
                if ((uint)(row + i) < (uint)_x.Height && (uint)(column + j) < (uint)_x.Width)
                {
                    var pixel = _x.At(image, row + i, column + j) + channel;
                    value = Load<V>(pixel, count);
                }

                value.Store(patch);
            }
        }
    }

    /// <summary>Computes the outputs of transformed tiles in the channels of one panel.</summary>
    /// <param name="first">The first tile.</param>
    /// <param name="count">How many.</param>
    /// <param name="panel">The panel.</param>
    /// <param name="input">What <see cref="TransformInput"/> wrote.</param>
    public readonly void Finish<V>(int first, int count, int panel, float* input)
        where V : unmanaged, ISimd<V, float>
    {
        var product = CpuScratch.Get<float>(CpuScratch.Slot.WinogradProduct, ProductFloats(count));
        var channel = WinogradKernels.PanelStart(panel, _shape.OutChannels);
        var points = TTransform.WeightPoints * TTransform.WeightPoints;
        var weights = _weights + WinogradKernels.WeightPanel(panel, channel, _shape.InChannels, points);
        Multiply(count, channel, weights, input, product, Ahead(_x, TTransform.Stride, first + count, count, panel), Ahead(_y, 1, first, count, panel));
        TransformOutput<V>(first, count, channel, product);
    }

    // What lies between the first pixels of two tiles, about as much as the tiles between them read or write; one panel's share.
    private readonly Prefetch Ahead(in ImageView view, int stride, int first, int count, int panel)
    {
        if (_shape.Batch * (_x.ImageStride + _y.ImageStride) * sizeof(float) <= CachedImageBytes || first + count >= Tiles)
            return default;
        var (image, row, column) = Locate(first);
        var from = view.At(image, row * stride, column * stride);
        (image, row, column) = Locate(first + count);
        var share = (nint)(view.At(image, row * stride, column * stride) - from) / Panels;
        return new Prefetch(from + panel * share, from + (panel + 1) * share, TTransform.WeightPoints * TTransform.WeightPoints);
    }

    /// <summary>Multiplies transformed tiles by one panel of the weights, at each point.</summary>
    /// <param name="count">How many tiles.</param>
    /// <param name="channel">First output channel of the panel.</param>
    /// <param name="weights">The panel.</param>
    /// <param name="input">What <see cref="TransformInput"/> wrote.</param>
    /// <param name="product">[group][point][tile of the group][channel of the panel]</param>
    /// <param name="coming">The input of the next tiles.</param>
    /// <param name="going">The output of these tiles.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Multiply(int count, int channel, float* weights, float* input, float* product, Prefetch coming, Prefetch going)
    {
        var columns = WinogradKernels.PanelColumns(channel, _shape.OutChannels);
        var depth = _shape.InChannels;
        var last = TTransform.WeightPoints - 1;
        for (var i = 0; i <= last; i++)
        {
            for (var j = 0; j <= last; j++, weights += WinogradKernels.WeightPoint(depth, columns))
            {
                coming.Step();
                going.Step();
                // The weights stay in L1 for all tiles, and for all points that they serve.
                for (var row = i; row < (i == last ? TTransform.Points : i + 1); row++)
                {
                    for (var column = j; column < (j == last ? TTransform.Points : j + 1); column++)
                        MultiplyPoint(count, row * TTransform.Points + column, depth, columns, weights, input, product);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void MultiplyPoint(int count, int point, int depth, int columns, float* weights, float* input, float* product)
    {
        var mostRows = WinogradKernels.MostRows;
        var whole = count / mostRows;
        var kernel = WinogradKernels.Kernel(mostRows, columns);
        var a = input + point * InputPoint(mostRows);
        var c = product + point * ProductPoint(mostRows, columns);
        var next = a + InputPoint(mostRows);
        for (var group = 1; group <= whole; group++, a += InputGroup, c += ProductGroup(columns))
            kernel(depth, a, weights, c, group < whole ? a + InputGroup : next);
        if (whole * mostRows == count)
            return;
        var lastRows = KernelRows(count - whole * mostRows);
        a = input + whole * InputGroup + point * InputPoint(lastRows);
        c = product + whole * ProductGroup(columns) + point * ProductPoint(lastRows, columns);
        WinogradKernels.Kernel(lastRows, columns)(depth, a, weights, c, a + InputPoint(lastRows));
    }

    /// <summary>Transforms products back, and writes the outputs.</summary>
    /// <param name="first">The first tile.</param>
    /// <param name="count">How many.</param>
    /// <param name="channel">First output channel of the panel.</param>
    /// <param name="product">What <see cref="Multiply"/> wrote.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TransformOutput<V>(int first, int count, int channel, float* product)
        where V : unmanaged, ISimd<V, float>
    {
        var columns = WinogradKernels.PanelColumns(channel, _shape.OutChannels);
        var bias = stackalloc float[MostPanelFloats];
        var given = Math.Min(columns, _shape.OutChannels - channel);
        new Span<float>(bias, columns).Clear();
        if (_epilogue.Bias != 0)
            new Span<float>((float*)_epilogue.Bias + channel, given).CopyTo(new Span<float>(bias, given));
        var memory = stackalloc float[2 * PatchFloats + WinogradKernels.LineFloats];
        for (; count > 0; count -= WinogradKernels.MostRows, product += ProductGroup(columns))
        {
            var rows = KernelRows(count);
            for (var r = 0; r < Math.Min(rows, count); r++)
                WriteTile<V>(first++, channel, given, bias, product + r * columns, ProductPoint(rows, columns), Align(memory));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void WriteTile<V>(int tile, int channel, int count, float* bias, float* product, nint step, float* patch)
        where V : unmanaged, ISimd<V, float>
    {
        var (image, row, column) = Locate(tile);
        var target = new WinogradTarget
        {
            Data = _y.At(image, row, column) + channel,
            Line = _y.RowStride,
            Pixel = _shape.OutChannels,
            Bias = bias,
            Floor = _epilogue.Relu ? 0 : float.NegativeInfinity,
        };
        if (!_epilogue.Residual.IsNone)
        {
            target.Residual = _epilogue.Residual.At(image, row, column) + channel;
            target.ResidualLine = _epilogue.Residual.RowStride;
        }

        var height = Math.Min(TTransform.Outputs, _shape.OutHeight - row);
        var width = Math.Min(TTransform.Outputs, _shape.OutWidth - column);
        var whole = height == TTransform.Outputs && width == TTransform.Outputs ? count - count % V.Count : 0;
        for (var at = 0; at < count; at += V.Count, product += V.Count)
        {
            if (at < whole)
                TTransform.Output<V>(product, step, target);
            else
                WritePart<V>(product, step, target, height, width, Math.Min(V.Count, count - at), patch);
            target.Data += V.Count;
            target.Bias += V.Count;
            target.Residual += target.Residual == null ? 0 : V.Count;
        }
    }

    // The part of a tile that lies within the image, and of a vector that are channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void WritePart<V>(float* product, nint step, in WinogradTarget target, int height, int width, int count, float* patch)
        where V : unmanaged, ISimd<V, float>
    {
        var line = TTransform.Outputs * V.Count;
        var residual = target.Residual == null ? null : patch + PatchFloats;
        for (var i = 0; i < height * width && residual != null; i++)
        {
            var (row, column) = Math.DivRem(i, width);
            Load<V>(target.Residual + row * target.ResidualLine + column * target.Pixel, count).Store(residual + row * line + column * V.Count);
        }

        TTransform.Output<V>(product, step, target with
        {
            Data = patch,
            Line = line,
            Pixel = V.Count,
            Residual = residual,
            ResidualLine = line,
        });
        for (var i = 0; i < height * width; i++)
        {
            var (row, column) = Math.DivRem(i, width);
            Store(V.Load(patch + row * line + column * V.Count), target.Data + row * target.Line + column * target.Pixel, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Load<V>(float* source, int count)
        where V : unmanaged, ISimd<V, float> => count >= V.Count ? V.Load(source) : V.LoadPartial(source, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<V>(V value, float* target, int count)
        where V : unmanaged, ISimd<V, float>
    {
        if (count >= V.Count)
            value.Store(target);
        else
            value.StorePartial(target, count);
    }

    // Vectors that straddle lines would take twice as long.
    private static float* Align(float* memory) => (float*)(((nint)memory + 63) & ~63);

    // The first output pixel of a tile.
    private readonly (int Image, int Row, int Column) Locate(int tile)
    {
        var (rest, across) = Math.DivRem(tile, _tilesAcross);
        var (image, down) = Math.DivRem(rest, _tilesDown);
        return (image, down * TTransform.Outputs, across * TTransform.Outputs);
    }
}
