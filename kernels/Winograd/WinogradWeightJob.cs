using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace EscNative.Kernels.Cpu;

/// <summary>Transforms the weights of some input channels of one panel in each tile.</summary>
internal unsafe struct WinogradWeightJob : ISimdJob<double>
{
    /// <summary>Input channels of a tile: their nine taps stay in L1.</summary>
    public const int ChunkDepth = 16;

    private const int Taps = 9;

    // The most points of a tile.
    private const int MostPoints = 36;

    // Values in the widest vector of doubles.
    private const int MostLanes = 8;

    public float* Weight, Transformed;
    public int OutChannels, InChannels, Chunks;
    public WinogradTile Tile;
    public bool ForDataGradient;

    public readonly void Execute<V>(int tile)
        where V : unmanaged, ISimd<V, double>
    {
        var (panel, chunk) = Math.DivRem(tile, Chunks);
        if (Tile == WinogradTile.F4x4)
            Transform<V, WinogradF4>(panel, chunk * ChunkDepth);
        else if (Tile == WinogradTile.F2x2)
            Transform<V, WinogradF2>(panel, chunk * ChunkDepth);
        else
            Transform<V, WinogradF4Stride2>(panel, chunk * ChunkDepth);
    }

    private readonly void Transform<V, TTransform>(int panel, int from)
        where V : unmanaged, ISimd<V, double>
        where TTransform : unmanaged, IWinogradTransform
    {
        var channel = WinogradKernels.PanelStart(panel, OutChannels);
        var columns = WinogradKernels.PanelColumns(channel, OutChannels);
        var count = Math.Min(columns, OutChannels - channel);
        var depth = Math.Min(ChunkDepth, InChannels - from);
        var size = depth * columns;
        var scratch = CpuScratch.Get<double>(CpuScratch.Slot.WinogradWeight, MostPoints * 2 * MostLanes + Taps * size);
        // taps: [tap][depth][columns]
        var taps = (float*)(scratch + MostPoints * 2 * MostLanes);
        for (var tap = 0; tap < Taps; tap++)
        {
            // The gradient's convolution reads the forward pass's output channels, and its taps backwards.
            var matrix = ForDataGradient
                ? new GemmOperand<float>(Weight + (Taps - 1 - tap) * OutChannels, Taps * OutChannels, along: true)
                : new GemmOperand<float>(Weight + tap * InChannels, Taps * InChannels, along: false);
            matrix.Pack(channel, count, from, depth, columns, taps + tap * size);
        }

        var points = TTransform.WeightPoints * TTransform.WeightPoints;
        var pointStride = WinogradKernels.WeightPoint(InChannels, columns);
        var target = Transformed + WinogradKernels.WeightPanel(panel, channel, InChannels, points) + (nint)from * columns;
        TransformValues<V, TTransform>(taps, size, target, pointStride, scratch, scratch + MostPoints * MostLanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformValues<V, TTransform>(float* taps, int size, float* target, nint pointStride, double* wide, double* work)
        where V : unmanaged, ISimd<V, double>
        where TTransform : unmanaged, IWinogradTransform
    {
        var lanes = V.Count;
        var points = TTransform.WeightPoints;
        // Whole vectors: the columns of a panel are.
        for (var i = 0; i < size; i += lanes)
        {
            for (var tap = 0; tap < Taps; tap++)
                Widen<V>(taps + tap * size + i).Store(wide + tap * lanes);
            for (var column = 0; column < 3; column++)
                TTransform.Weight<V>(wide + column * lanes, 3 * lanes, work + column * lanes, 3 * lanes);
            for (var row = 0; row < points; row++)
                TTransform.Weight<V>(work + row * 3 * lanes, lanes, wide + row * points * lanes, lanes);
            for (var point = 0; point < points * points; point++)
                Narrow(V.Load(wide + point * lanes), target + point * pointStride + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Widen<V>(float* source)
        where V : unmanaged, ISimd<V, double>
    {
        if (typeof(V) == typeof(Simd512<double>))
            return Unsafe.BitCast<Vector512<double>, V>(Avx512F.ConvertToVector512Double(Vector256.Load(source)));
        if (typeof(V) == typeof(Simd256<double>))
            return Unsafe.BitCast<Vector256<double>, V>(Avx.ConvertToVector256Double(Vector128.Load(source)));
        return Unsafe.BitCast<Vector128<double>, V>(Vector128.Create((double)source[0], source[1]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Narrow<V>(V value, float* target)
        where V : unmanaged, ISimd<V, double>
    {
        if (typeof(V) == typeof(Simd512<double>))
        {
            Avx512F.ConvertToVector256Single(Unsafe.BitCast<V, Vector512<double>>(value)).Store(target);
        }
        else if (typeof(V) == typeof(Simd256<double>))
        {
            Avx.ConvertToVector128Single(Unsafe.BitCast<V, Vector256<double>>(value)).Store(target);
        }
        else
        {
            var pair = Unsafe.BitCast<V, Vector128<double>>(value);
            target[0] = (float)pair.GetElement(0);
            target[1] = (float)pair.GetElement(1);
        }
    }
}
