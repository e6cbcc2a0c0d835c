using EscNative.Kernels;
using EscNative.Kernels.Cpu;

namespace EscNative.Engine.Plans;

/// <summary>f(conv(x) + bias + residual); a linear layer is a convolution with a window of one pixel.</summary>
internal sealed class ConvNode : EpilogueNode
{
    // One algorithm serves calls of one image and of many, so that results do not depend on their number: the one for as many as a chunk
    // has, unless the caller says that runs have fewer.
    private const int TypicalImages = 16;

    private readonly int _firstRow, _firstColumn;

    /// <summary>Describes one.</summary>
    /// <param name="name">The module that it comes from.</param>
    /// <param name="x">The images.</param>
    /// <param name="weight">The weights.</param>
    /// <param name="window">The sizes, without a number of images.</param>
    public ConvNode(string name, PlanValue x, ConvWeight weight, in WindowShape window)
        : base(name)
    {
        (X, Weight) = (x, weight);
        Window = window.WithinImage(out _firstRow, out _firstColumn);
    }

    public PlanValue X { get; }

    public ConvWeight Weight { get; }

    /// <summary>The sizes of what is computed, without a number of images: the part of the kernel that meets more than padding.</summary>
    public WindowShape Window { get; }

    public override IEnumerable<PlanValue> Inputs => Residual is null ? [X] : [X, Residual];

    public override string Kind =>
        (X.Shape.Rank < 3 ? "linear" : FormattableString.Invariant($"conv {Weight.KernelHeight}x{Weight.KernelWidth}") + Details) + Suffix;

    // Weight.Inputs are those of a group.
    public override double Flops => (Count(Output) * 2 * Weight.KernelHeight * Weight.KernelWidth * Weight.Inputs) + EpilogueFlops;

    public override double WeightBytes => sizeof(float) * (double)Window.OutChannels * (Window.Taps + 1);

    public override int WantedHalo(PlanValue input) => input == X ? Math.Max(Math.Max(Window.PadTop, Window.PadBottom), Math.Max(Window.PadLeft, Window.PadRight)) : 0;

    // Each output pixel reads its own pixel of the residual before it is written.
    public override bool MayOverwrite(PlanValue input) => input == Residual && input != X;

    public override bool Takes(UnaryOp op) => ConvEpilogue.Takes(op);

    public override double WeightTraffic(PlanOptions options) => TileOf(options) switch
    {
        null => WeightBytes,
        WinogradTile.F2x2 => WeightBytes * 16 / 9,
        _ => WeightBytes * 4,
    };

    private string Details
    {
        get
        {
            var s = Window;
            var stride = (s.StrideHeight, s.StrideWidth) == (1, 1) ? ""
                : s.StrideHeight == s.StrideWidth ? $" stride {s.StrideHeight}" : $" stride {s.StrideHeight}x{s.StrideWidth}";
            var dilation = (s.DilationHeight, s.DilationWidth) == (1, 1) ? ""
                : s.DilationHeight == s.DilationWidth ? $" dilation {s.DilationHeight}" : $" dilation {s.DilationHeight}x{s.DilationWidth}";
            return FormattableString.Invariant($"{stride}{dilation}") + (s.IsDepthwise ? " depthwise" : s.Groups > 1 ? $" groups {s.Groups}" : "");
        }
    }

    /// <summary>The window of a linear layer: one pixel.</summary>
    public static WindowShape Pixelwise(PlanValue x, int outputs) =>
        WindowShape.Of((0, x.Height, x.Width, x.Channels), outputs, (1, 1), (1, 1), (0, 0));

    public override void Append(double[] scale, double[] shift) => Weight.Append(scale, shift);

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout, options);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    private float[] Values() => Weight.Values(_firstRow, Window.KernelHeight, _firstColumn, Window.KernelWidth);

    // The tile of Winograd's that the CPU takes, if any does.
    private WinogradTile? TileOf(PlanOptions options) =>
        options.Winograd && Winograd.Pays(Window with { Batch = options.ImagesPerRun is 0 ? TypicalImages : Math.Min(options.ImagesPerRun, TypicalImages) }, out var tile)
            ? tile
            : null;

    private sealed unsafe class Cpu : CpuStep
    {
        private readonly WindowShape _shape;
        private readonly CpuSlot _x, _y;
        private readonly CpuSlot? _residual;
        private readonly bool _relu;
        private readonly UnaryOp? _function;
        private readonly NativeFloats? _bias;
        private readonly PackedConvWeight? _direct;
        private readonly WinogradWeight? _winograd;

        public Cpu(ConvNode node, ArenaLayout layout, PlanOptions options)
        {
            var weight = node.Weight;
            _shape = node.Window;
            (_x, _y) = (CpuSlot.Of(node.X, layout), CpuSlot.Of(node.Output, layout));
            _residual = node.Residual is null ? null : CpuSlot.Of(node.Residual, layout);
            (_relu, _function) = (node.Relu, node.Function);
            _bias = Constant(weight.Bias());
            fixed (float* values = node.Values())
            {
                if (node.TileOf(options) is { } tile)
                    _winograd = Keep(new WinogradWeight(weight.Outputs, weight.Inputs, values, tile));
                else
                    _direct = Keep(new PackedConvWeight(weight.Outputs, _shape.KernelHeight, _shape.KernelWidth, weight.Inputs, values, _shape.Groups));
            }
        }

        public override string Algorithm => _winograd?.Tile switch { null => "direct", WinogradTile.F2x2 => "winograd 2x2", WinogradTile.F4x4 => "winograd 4x4", _ => "winograd 4x4, stride 2" };

        public override void Run(float* arena, int images)
        {
            var shape = _shape with { Batch = images };
            var epilogue = new ConvEpilogue(_bias is null ? 0 : (nint)_bias.Data, _residual?.In(arena) ?? default, _relu, _winograd is null ? _function : null);
            if (_winograd is null)
            {
                Conv.Forward(shape, _x.In(arena), _direct!, epilogue, _y.In(arena));
                return;
            }

            Winograd.Forward(shape, _x.In(arena), _winograd, epilogue, _y.In(arena));
            // Winograd's kernels know ReLU alone.
            if (_function is { } function)
                Elementwise.Unary(function, images, _y.In(arena));
        }
    }

    private sealed class Cuda : CudaStep
    {
        private readonly WindowShape _shape;
        private readonly CudaSlot _x, _y;
        private readonly CudaSlot? _residual;
        private readonly bool _relu;
        private readonly UnaryOp? _function;
        private readonly CudaConstant? _weight, _bias;

        public Cuda(ConvNode node, ArenaLayout layout, CudaBackend backend)
            : base(backend)
        {
            _shape = node.Window;
            (_x, _y) = (CudaSlot.Of(node.X, layout), CudaSlot.Of(node.Output, layout));
            _residual = node.Residual is null ? null : CudaSlot.Of(node.Residual, layout);
            (_relu, _function) = (node.Relu, node.Function);
            (_weight, _bias) = (Constant(node.Values()), Constant(node.Weight.Bias()));
        }

        public override string Algorithm => _shape.IsPlain ? "implicit gemm" : "sliced";

        public override void Run(in CudaArena arena, int images)
        {
            var shape = _shape with { Batch = images };
            var (x, y, residual) = (_x.In(arena), _y.In(arena), _residual?.In(arena) ?? 0);
            if (shape.IsPlain)
                Backend.ConvForward.Forward(DType.F32, shape, x, Address(_weight), Address(_bias), residual, _relu, y, _function);
            else
                Backend.ConvSliced.Forward(DType.F32, shape, x, Address(_weight), Address(_bias), residual, _relu, y, _function);
        }
    }
}
