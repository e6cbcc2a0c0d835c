using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using EscNative.Bench.Measuring;
using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Bench.Workshop;

/// <summary>What decides the speed of an erasure: matrix products, All-CNN's convolutions, the solve.</summary>
internal static unsafe class KernelCases
{
    private const int Batch = 64;

    // Input channels, output channels, side, kernel, stride: the eight layers at width 0.5.
    private static readonly (int In, int Out, int Side, int Kernel, int Stride)[] AllCnn =
    [
        (3, 48, 32, 3, 1), (48, 48, 32, 3, 1), (48, 96, 32, 3, 2), (96, 96, 16, 3, 1),
        (96, 96, 16, 3, 2), (96, 96, 8, 3, 1), (96, 96, 8, 1, 1),
    ];

    public static IEnumerable<KernelCase> All()
    {
        foreach (var n in new[] { 512, 1024, 2048 })
            yield return Product(n);
        foreach (var (cin, cout, side, kernel, stride) in AllCnn)
        {
            foreach (var pass in new[] { "forward", "data gradient", "weight gradient" })
            {
                if (cin > 3 || pass != "data gradient")
                    yield return Convolution(pass, cin, cout, side, kernel, stride);
            }
        }

        foreach (var (d, k) in new[] { (96, 1), (512, 7), (768, 11) })
            yield return Solve(5000, d, k);
    }

    private static KernelCase Product(int n) => new(
        $"matrix product {n} x {n} x {n}", 2.0 * n * n * n, false,
        () =>
        {
            float* a = Random(n * n), b = Random(n * n), c = Random(n * n);
            return new KernelRun(() => Gemm.Multiply(n, n, n, a, n, false, b, n, false, c, n, false), () => Free(a, b, c));
        },
        new JsonObject { ["op"] = "gemm", ["n"] = n });

    private static KernelCase Convolution(string pass, int cin, int cout, int side, int kernel, int stride)
    {
        var pad = (kernel - 1) / 2;
        var shape = new WindowShape(Batch, side, side, cin, cout, kernel, kernel, stride, stride, pad, pad, pad, pad);
        return new KernelCase(
            $"convolution {kernel}x{kernel}{(stride > 1 ? $" stride {stride}" : "")} {cin} -> {cout} of {Batch} x {side} x {side}: {pass}", shape.Flops, false,
            () =>
            {
                float* x = Random(Batch * side * side * cin), w = Random(cout * kernel * kernel * cin);
                float* y = Random(Batch * shape.OutHeight * shape.OutWidth * cout);
                return new KernelRun(
                    pass switch
                    {
                        "forward" => () => Conv.Forward(shape, x, w, null, y),
                        "data gradient" => () => Conv.DataGradient(shape, y, w, x),
                        _ => () => Conv.WeightGradient(shape, x, y, w),
                    },
                    () => Free(x, w, y));
            },
            new JsonObject
            {
                ["op"] = "conv",
                ["pass"] = pass,
                ["batch"] = Batch,
                ["cin"] = cin,
                ["cout"] = cout,
                ["size"] = side,
                ["kernel"] = kernel,
                ["stride"] = stride,
                ["padding"] = pad,
            });
    }

    // The peer computes the Gram matrix and all eigenvectors in float64; this engine the Gram matrix in float64 and what ESC needs.
    private static KernelCase Solve(int n, int d, int k) => new(
        $"Gram in float64 and the {k} leading directions of {d} x {n} features", (double)n * d * d, true,
        () =>
        {
            var rows = FeatureMatrix.Make(n, d);
            SubspaceResult? result = null;
            return new KernelRun(
                () =>
                {
                    var accumulator = new SubspaceAccumulator(d);
                    accumulator.Add(rows, n);
                    result = new AutoSolver().Solve(new SubspaceProblem(accumulator), k);
                },
                () => { },
                answer => Compare(result!, answer["values"]!.AsArray()));
        },
        new JsonObject { ["op"] = "solve", ["n"] = n, ["d"] = d, ["k"] = k });

    private static string Compare(SubspaceResult result, JsonArray values)
    {
        var worst = 0.0;
        for (var i = 0; i < result.K; i++)
            worst = Math.Max(worst, Math.Abs((result.SingularValues[i] / values[i]!.GetValue<double>()) - 1));
        return string.Create(CultureInfo.InvariantCulture, $"singular values within {worst:0e+0}, residual {result.Residual:0e+0} ({result.Solver})");
    }

    private static float* Random(int count)
    {
        var values = (float*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(float)) + 256, 64);
        new EscNative.Kernels.RandomSource(1).FillUniform(new Span<float>(values, count));
        return values;
    }

    private static void Free(params ReadOnlySpan<nint> pointers)
    {
        foreach (var pointer in pointers)
            NativeMemory.AlignedFree((void*)pointer);
    }

    private static void Free(float* a, float* b, float* c) => Free([(nint)a, (nint)b, (nint)c]);
}
