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
    private const int LineFloats = 16;

    // The most values of a tile, in the widest vectors.
    private const int PatchFloats = 36 * 16;

    private readonly ConvShape _shape;
    private readonly ImageView _x, _y;
    private readonly ConvEpilogue _epilogue;
    private readonly float* _weights;
    private readonly int _tilesDown, _tilesAcross, _paddedIn;

    public WinogradPass(in ConvShape shape, in ImageView x, float* weights, in ConvEpilogue epilogue, in ImageView y)
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

    // Values from one point to the next. The additional line spreads the points over the sets of a cache.
    private readonly nint InputPoint(int rows) => (nint)rows * _paddedIn + LineFloats;

    private static nint ProductPoint(int rows, int columns) => (nint)rows * columns + LineFloats;

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
        var memory = stackalloc float[2 * PatchFloats + LineFloats];
        var buffer = Align(memory);
        for (; count > 0; count -= WinogradKernels.MostRows, target += InputGroup)
        {
            var rows = KernelRows(count);
            for (var r = 0; r < Math.Min(rows, count); r++)
                TransformTile<V>(first++, target + r * V.Count, rows, buffer, buffer + PatchFloats);
        }
    }

    // target: [point][channels / lanes], with a step of a line of rows in the latter.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void TransformTile<V>(int tile, float* target, int rows, float* patch, float* work)
        where V : unmanaged, ISimd<V, float>
    {
        var points = TTransform.Points;
        var lanes = V.Count;
        var (image, row, column) = Locate(tile);
        row -= _shape.PadTop;
        column -= _shape.PadLeft;
        var halo = _x.Halo;
        var inside = row >= -halo && row + points <= _x.Height + halo && column >= -halo && column + points <= _x.Width + halo;
        var pointStride = InputPoint(rows);
        for (var channel = 0; channel < _shape.InChannels; channel += lanes, target += rows * lanes)
        {
            var from = patch;
            nint pixel = lanes, line = points * lanes;
            if (inside && channel + lanes <= _shape.InChannels)
            {
                from = _x.At(image, row, column) + channel;
                (pixel, line) = (_shape.InChannels, _x.RowStride);
            }
            else
            {
                Gather<V>(image, row, column, channel, patch);
            }

            for (var i = 0; i < points; i++)
                TTransform.Input<V>(from + i * line, pixel, work + i * points * lanes, lanes);
            for (var j = 0; j < points; j++)
                TTransform.Input<V>(work + j * lanes, points * lanes, target + j * pointStride, points * pointStride);
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
                    value = count >= V.Count ? V.Load(pixel) : V.LoadPartial(pixel, count);
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
        Multiply(count, channel, input, product);
        TransformOutput<V>(first, count, channel, product);
    }

    /// <summary>Multiplies transformed tiles by one panel of the weights, at each point.</summary>
    /// <param name="count">How many tiles.</param>
    /// <param name="channel">First output channel of the panel.</param>
    /// <param name="input">What <see cref="TransformInput"/> wrote.</param>
    /// <param name="product">[group][point][tile of the group][channel of the panel]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Multiply(int count, int channel, float* input, float* product)
    {
        var mostRows = WinogradKernels.MostRows;
        var columns = WinogradKernels.PanelColumns(channel, _shape.OutChannels);
        var depth = _shape.InChannels;
        var weights = _weights + (nint)channel * AllPoints * depth;
        var whole = count / mostRows;
        var lastRows = count % mostRows == 0 ? 0 : KernelRows(count % mostRows);
        var kernel = WinogradKernels.Kernel(mostRows, columns);
        for (var point = 0; point < AllPoints; point++, weights += (nint)depth * columns)
        {
            // A point's weights stay in L1 for all tiles.
            var a = input + point * InputPoint(mostRows);
            var c = product + point * ProductPoint(mostRows, columns);
            for (var group = 0; group < whole; group++, a += InputGroup, c += ProductGroup(columns))
                kernel(depth, a, weights, c, a + InputGroup);
            if (lastRows == 0)
                continue;
            a = input + whole * InputGroup + point * InputPoint(lastRows);
            c = product + whole * ProductGroup(columns) + point * ProductPoint(lastRows, columns);
            WinogradKernels.Kernel(lastRows, columns)(depth, a, weights, c, a);
        }
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
        var memory = stackalloc float[2 * PatchFloats + LineFloats];
        var buffer = Align(memory);
        for (; count > 0; count -= WinogradKernels.MostRows, product += ProductGroup(columns))
        {
            var rows = KernelRows(count);
            for (var r = 0; r < Math.Min(rows, count); r++)
            {
                WriteTile<V>(first++, channel, columns, product + r * columns, ProductPoint(rows, columns), buffer, buffer + PatchFloats);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void WriteTile<V>(int tile, int channel, int columns, float* product, nint pointStride, float* work, float* values)
        where V : unmanaged, ISimd<V, float>
    {
        var points = TTransform.Points;
        var outputs = TTransform.Outputs;
        var lanes = V.Count;
        var (image, row, column) = Locate(tile);
        var height = Math.Min(outputs, _shape.OutHeight - row);
        var width = Math.Min(outputs, _shape.OutWidth - column);
        var y = _y.At(image, row, column);
        var residual = _epilogue.Residual.IsNone ? null : _epilogue.Residual.At(image, row, column);
        var end = Math.Min(channel + columns, _shape.OutChannels);
        for (; channel < end; channel += lanes, product += lanes)
        {
            for (var j = 0; j < points; j++)
                TTransform.Output<V>(product + j * pointStride, points * pointStride, work + j * lanes, points * lanes);
            for (var i = 0; i < height; i++)
                TTransform.Output<V>(work + i * points * lanes, lanes, values + i * outputs * lanes, lanes);

            var count = end - channel;
            var bias = _epilogue.Bias == 0 ? V.Zero : Load<V>((float*)_epilogue.Bias + channel, count);
            for (var i = 0; i < height; i++)
            {
                for (var j = 0; j < width; j++)
                {
                    var value = V.Load(values + (i * outputs + j) * lanes) + bias;
                    if (residual != null)
                        value += Load<V>(residual + i * _epilogue.Residual.RowStride + j * _shape.OutChannels + channel, count);
                    // In this order NaN stays NaN.
                    if (_epilogue.Relu)
                        value = V.MaxNative(V.Zero, value);
                    Store(value, y + i * _y.RowStride + j * _shape.OutChannels + channel, count);
                }
            }
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
