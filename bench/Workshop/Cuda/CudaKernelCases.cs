using EscNative.Engine;
using EscNative.Engine.Plans;
using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Bench.Workshop;

/// <summary>What decides the speed of training and erasing on a GPU: ceilings first, then the operations, then whole forward passes.</summary>
internal static class CudaKernelCases
{
    /// <summary>The beginning of the names whose bandwidth is the memory ceiling.</summary>
    public const string CopyName = "copy";

    /// <summary>The beginning of the names whose arithmetic is the ceiling.</summary>
    public const string ProductName = "product";

    /// <summary>Features whose directions are sought: how many, how long, and how many directions.</summary>
    public static readonly (int Count, int Width, int Directions)[] Features = [(5000, 96, 1), (5000, 512, 7), (500, 768, 11)];

    /// <summary>All cases; on an emulated device with sizes that it can run, since nothing is measured there.</summary>
    public static IReadOnlyList<CudaKernelCase> All(Device device)
    {
        // The emulated device computes some 10^9 operations a second.
        var small = device.IsEmulated;
        var cases = new List<CudaKernelCase>(Operations(device, small))
        {
            Forward(device, "All-CNN 0.5", small ? 1 : 5000, () => ReferenceNetworks.AllCnn(device, small ? 8 : 32, small ? 8 : 48)),
            Forward(device, "ResNet-18 (32 pixels)", small ? 1 : 5000, () => ReferenceNetworks.ResNet18(device, small ? 8 : 32, small ? 4 : 64)),
            Forward(device, "the ViT-B/16 encoder (197 tokens)", small ? 1 : 100, () => ReferenceNetworks.VisionTransformer(device, small ? 9 : 197, small ? 24 : 768, small ? 3 : 12, small ? 1 : 12)),
        };
        foreach (var (n, d, k) in Features)
            cases.Add(Directions(device, small ? 40 : n, small ? d / 8 : d, k));
        cases.Add(Erase(device, "All-CNN 0.5", small ? 2 : 5000, 1, () => ReferenceNetworks.AllCnn(device, small ? 8 : 32, small ? 8 : 48)));
        cases.Add(Erase(device, "ResNet-18 (32 pixels)", small ? 2 : 5000, 7, () => ReferenceNetworks.ResNet18(device, small ? 8 : 32, small ? 4 : 64)));
        cases.AddRange(VariantCases.All(device, small));
        return cases;
    }

    /// <summary>The row of a forward pass.</summary>
    public static string ForwardName(string network, int images) => $"forward of {network}, {images:N0} images, F32";

    /// <summary>The row of an erasure.</summary>
    public static string EraseName(string network, int images, int directions) =>
        $"ESC of {network}: forward of {images:N0} images, Gram matrix, {directions} directions";

    /// <summary>The row of a solve.</summary>
    public static string DirectionsName(int n, int d, int k) => $"Gram matrix and {k} leading directions of {n:N0} x {d} features";

    /// <summary>The operations alone. Nothing touches the device before a case is prepared.</summary>
    /// <param name="device">Where they will run.</param>
    /// <param name="small">Whether in sizes that an emulated device can run.</param>
    public static IReadOnlyList<CudaKernelCase> Operations(Device device, bool small)
    {
        var values = small ? 1 << 14 : 1 << 26;
        var batch = small ? 1 : 256;
        var cases = new List<CudaKernelCase>
        {
            Elementwise(device, CopyName, values, 2, (b, x, y) => b.Copy(x, y)),
        };
        foreach (var n in small ? [64] : new[] { 1024, 2048, 4096 })
        {
            cases.Add(Product(device, n, DType.F32, null));
            cases.Add(Product(device, n, DType.F32, "own"));
        }

        cases.Add(Product(device, small ? 48 : 2048, DType.F64, null));
        foreach (var (cin, cout, side, kernel, stride) in new[]
        {
            (3, 48, 32, 3, 1), (48, 48, 32, 3, 1), (48, 96, 32, 3, 2), (96, 96, 16, 3, 1), (96, 96, 8, 1, 1),
            (64, 64, 32, 3, 1), (128, 128, 16, 3, 1), (256, 256, 8, 3, 1), (512, 512, 4, 3, 1),
        })
        {
            var scale = small ? 4 : 1;
            foreach (var pass in new[] { "forward", "data gradient", "weight gradient" })
                cases.Add(Convolution(device, pass, batch, Math.Max(cin / scale, 3), cout / scale, side / (small ? 4 : 1), kernel, stride));
        }

        cases.Add(Elementwise(device, "relu", values, 2, (b, x, y) => b.Unary(UnaryOp.Relu, x, y)));
        cases.Add(Elementwise(device, "gelu", values, 2, (b, x, y) => b.Unary(UnaryOp.Gelu, x, y)));
        cases.Add(Elementwise(device, "add", values, 3, (b, x, y) => b.Binary(BinaryOp.Add, x, x, y)));
        cases.Add(Elementwise(device, "sum of all", values, 1, (b, x, y) => b.Reduce(ReduceOp.Sum, x, y, 1, x.Count, 1)));
        cases.Add(Elementwise(device, "sum of rows of 1024", values, 1, (b, x, y) => b.Reduce(ReduceOp.Sum, x, y, x.Count / 1024, 1024, 1)));
        cases.Add(Elementwise(device, "sum of columns, 1024 of them", values, 1, (b, x, y) => b.Reduce(ReduceOp.Sum, x, y, 1, x.Count / 1024, 1024)));
        cases.Add(Elementwise(device, "softmax of rows of 1024", values, 2, (b, x, y) => b.Softmax(x, y, x.Count / 1024, 1024, log: false)));
        cases.Add(Normalisation(device, "batch norm statistics", values, 96, 1, (b, x, y, s) => b.BatchStatistics(x, s[0], s[1])));
        cases.Add(Normalisation(device, "batch norm and ReLU", values, 96, 2, (b, x, y, s) => b.BatchNormalise(x, s[0], s[1], s[2], s[3], 1e-5, true, y)));
        cases.Add(Normalisation(device, "batch norm backward", values, 96, 5, (b, x, y, s) => b.BatchNormBackward(x, y, s[0], s[1], s[2], s[3], 1e-5, true, true, y, s[4], s[5])));
        cases.Add(Normalisation(device, "layer norm", values, 768, 2, (b, x, y, s) => b.LayerNorm(x, s[2], s[3], 1e-5, y, s[6], s[7])));
        cases.Add(Optimizer(device, "SGD with momentum", small ? 1 << 12 : 11_200_000, 5, (b, u) => b.Sgd(u, 0.1, 0.9, 5e-4, nesterov: false)));
        cases.Add(Optimizer(device, "Adam", small ? 1 << 12 : 11_200_000, 7, (b, u) => b.Adam(u, 1e-3, 0.9, 0.999, 1e-8, 0, false, 1)));
        cases.Add(Launch(device));
        return cases;
    }

    /// <summary>Uniform values from 0 to 1, the same in every run.</summary>
    internal static Tensor Random(Device device, DType type, params int[] shape)
    {
        var values = new float[new Shape(shape).Count];
        new RandomSource(1).FillUniform(values);
        using var floats = Tensor.From(values, new Shape(shape), device).Persist();
        using var scope = Tensor.Scope();
        return scope.Keep(floats.To(type)).Persist();
    }

    private static CudaKernelCase Elementwise(Device device, string name, int count, int passes, Action<Backend, Tensor, Tensor> issue) => new(
        $"{name}, {count:N0} values", 0, 4.0 * passes * count, false,
        () =>
        {
            Tensor x = Random(device, DType.F32, count), y = Random(device, DType.F32, count);
            return new CudaKernelRun(() => issue(device.Backend, x, y), x, y);
        },
        gpu => gpu.Stream(4.0 * passes * count));

    private static CudaKernelCase Product(Device device, int n, DType type, string? kernels) => new(
        $"{ProductName} {n} x {n} x {n}, {type}{(kernels is null ? "" : ", our kernels")}", 2.0 * n * n * n, 3.0 * n * n * type.Size(), type == DType.F64,
        () =>
        {
            Tensor a = Random(device, type, n, n), b = Random(device, type, n, n), c = Random(device, type, n, n);
            if (kernels is null)
                return new CudaKernelRun(() => device.Backend.MatMul(a, false, 0, b, false, 0, c, 1, n, n, n), a, b, c);
            var gemm = new CudaGemm(((CudaBackend)device.Backend).Context, kernels);
            // The run holds the three as long as the addresses are used.
            using var call = KernelCall.Begin();
            var product = new MatrixProduct(a.Pointer, false, n, b.Pointer, false, n, c.Pointer, n, n, n, n);
            var bytes = gemm.WorkspaceBytes(DType.F32, product);
            return new CudaKernelRun(
                () =>
                {
                    using var workspace = new CudaWorkspace(device.Backend.Pool, bytes, "product");
                    gemm.Multiply(DType.F32, product, workspace.Pointer);
                },
                a, b, c);
        },
        gpu => KernelTime.Product(gpu, n, type == DType.F64, kernels is not null));

    private static CudaKernelCase Convolution(Device device, string pass, int batch, int cin, int cout, int side, int kernel, int stride)
    {
        var pad = (kernel - 1) / 2;
        var s = WindowShape.Of((batch, side, side, cin), cout, (kernel, kernel), (stride, stride), (pad, pad));
        var (inputs, outputs, weights) = ((long)batch * side * side * cin, (long)batch * s.OutHeight * s.OutWidth * cout, (long)cout * kernel * kernel * cin);
        return new CudaKernelCase(
            $"convolution {kernel}x{kernel}{(stride > 1 ? $" stride {stride}" : "")} {cin} -> {cout} of {batch} x {side} x {side}: {pass}",
            2.0 * outputs * kernel * kernel * cin, 4.0 * (inputs + outputs + weights), false,
            () =>
            {
                var x = Random(device, DType.F32, batch, side, side, cin);
                var w = Random(device, DType.F32, cout, kernel, kernel, cin);
                var y = Random(device, DType.F32, batch, s.OutHeight, s.OutWidth, cout);
                return new CudaKernelRun(
                    pass switch
                    {
                        "forward" => () => device.Backend.Conv2d(s, fast: false, x, w, null, y),
                        "data gradient" => () => device.Backend.Conv2dDataGradient(s, fast: false, y, w, x),
                        _ => () => device.Backend.Conv2dWeightGradient(s, x, y, w),
                    },
                    x, w, y);
            },
            gpu => KernelTime.Convolution(gpu, pass, s, 4.0 * (inputs + outputs + weights)));
    }

    private static CudaKernelCase Normalisation(
        Device device, string name, int count, int width, int passes, Action<Backend, Tensor, Tensor, Tensor[]> issue)
    {
        var rows = count / width;
        return new CudaKernelCase(
            $"{name} of {rows:N0} x {width}", 0, 4.0 * passes * rows * width, false,
            () =>
            {
                Tensor x = Random(device, DType.F32, rows, width), y = Random(device, DType.F32, rows, width);
                Tensor[] s = [.. Enumerable.Range(0, 8).Select(i => Random(device, DType.F32, i < 6 ? width : rows))];
                return new CudaKernelRun(() => issue(device.Backend, x, y, s), [x, y, .. s]);
            },
            gpu => gpu.Stream(4.0 * passes * rows * width));
    }

    private static CudaKernelCase Optimizer(Device device, string name, int parameters, int passes, OptimizerStep step) => new(
        $"{name} of {parameters:N0} parameters in 62 tensors", 0, 4.0 * passes * (parameters / 62 * 62), false,
        () =>
        {
            Tensor[] t = [.. Enumerable.Range(0, 4 * 62).Select(_ => Random(device, DType.F32, parameters / 62))];
            ParameterUpdate[] updates = [.. t.Chunk(4).Select(p => new ParameterUpdate(p[0], p[1], p[2], p[3]))];
            return new CudaKernelRun(() => step(device.Backend, updates), t);
        },
        gpu => gpu.Stream(4.0 * passes * (parameters / 62 * 62)));

    // What is left of a launch when there is nothing to do.
    private static CudaKernelCase Launch(Device device) => new(
        "launch of a kernel for one value", 0, 8, false,
        () =>
        {
            Tensor x = Random(device, DType.F32, 1), y = Random(device, DType.F32, 1);
            return new CudaKernelRun(() => device.Backend.Unary(UnaryOp.Negate, x, y), x, y);
        },
        gpu => gpu.Stream(8));

    private static CudaKernelCase Forward(Device device, string name, int images, Func<InferencePlan> compile)
    {
        IReadOnlyList<PlanStepInfo> steps;
        using (var plan = compile())
            steps = plan.Steps;
        return new CudaKernelCase(
            ForwardName(name, images), images * steps.Sum(s => s.Flops), images * steps.Sum(s => s.Bytes), false,
            () =>
            {
                var plan = compile();
                var x = Random(device, DType.F32, [images, .. plan.InputShape.ToArray()]);
                var y = Random(device, DType.F32, [images, .. plan.OutputShapes[0].ToArray()]);
                return new CudaKernelRun(() => plan.Run(x, y), plan, x, y);
            },
            gpu => new NetworkTime(gpu, steps) is var network ? network.Forward(images, network.Chunk()) : 0);
    }

    // The solver waits for the device between its rounds, so this time holds the host's part too.
    private static CudaKernelCase Directions(Device device, int n, int d, int k) => new(
        DirectionsName(n, d, k), 0, 4.0 * n * d, false,
        () =>
        {
            var rows = Random(device, DType.F32, n, d);
            return new CudaKernelRun(() => Solve(device, rows, n, d, k), rows);
        },
        gpu => new ErasureTime(gpu) is var time ? time.Gram(n, d) + time.Directions(d, k) : 0);

    // What ESC computes, from images on the device to its directions.
    private static CudaKernelCase Erase(Device device, string name, int images, int k, Func<InferencePlan> compile)
    {
        IReadOnlyList<PlanStepInfo> steps;
        using (var plan = compile())
            steps = plan.Steps;
        return new CudaKernelCase(
            EraseName(name, images, k), 0, double.NaN, false,
            () =>
            {
                var plan = compile();
                var d = (int)plan.OutputShapes[0].Count;
                var x = Random(device, DType.F32, [images, .. plan.InputShape.ToArray()]);
                var features = Random(device, DType.F32, images, d);
                return new CudaKernelRun(
                    () =>
                    {
                        plan.Run(x, features);
                        Solve(device, features, images, d, Math.Min(k, d - 1));
                    },
                    plan, x, features);
            },
            gpu =>
            {
                var (network, time, d) = (new NetworkTime(gpu, steps), new ErasureTime(gpu), (int)steps[^1].Output.Count);
                return network.Forward(images, network.Chunk()) + time.Gram(images, d) + time.Directions(d, k);
            });
    }

    private static void Solve(Device device, Tensor rows, int n, int d, int k)
    {
        var context = ((CudaBackend)device.Backend).Context;
        using var features = new CudaFeatures(context, d);
        using var call = KernelCall.Begin();
        features.Add(rows.Pointer, n);
        new AutoSolver(context).Solve(new SubspaceProblem(features), k);
    }

    private delegate void OptimizerStep(Backend backend, ReadOnlySpan<ParameterUpdate> updates);
}
