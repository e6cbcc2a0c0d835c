using EscNative.Kernels;
using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda;

namespace EscNative.Engine.Plans;

/// <summary>Values and constants one after another along an axis, plus a constant: class token, patches and positions are one step.</summary>
internal sealed class ConcatNode(string name, ConcatNode.Part[] parts, long blocks, float[]? addend) : PlanNode(name)
{
    public IReadOnlyList<Part> Parts { get; } = parts;

    /// <summary>Pieces of an image, each of which has all parts one after another.</summary>
    public long Blocks { get; } = blocks;

    /// <summary>What is added, for all images the same; or null.</summary>
    public float[]? Addend { get; } = addend;

    public override IEnumerable<PlanValue> Inputs => Parts.Where(p => p.Constant is null).Select(p => p.Value);

    public override string Kind => $"concat of {Parts.Count}" + (Addend is null ? "" : " + constant");

    public override double Flops => Addend?.Length ?? 0;

    public override double WeightBytes => sizeof(float) * ((double)(Addend?.Length ?? 0) + Parts.Sum(p => p.Constant?.Length ?? 0));

    public override bool Strided => false;

    public override CpuStep OnCpu(ArenaLayout layout, PlanOptions options) => new Cpu(this, layout);

    public override CudaStep OnCuda(ArenaLayout layout, CudaBackend backend) => new Cuda(this, layout, backend);

    /// <summary>One of them.</summary>
    /// <param name="Value">The value.</param>
    /// <param name="Constant">Its numbers where it is a constant, else null.</param>
    internal readonly record struct Part(PlanValue Value, float[]? Constant)
    {
        public static Part Of(PlanValue value) => new(value, (value.Producer as ConstantNode)?.Values);
    }

    private sealed unsafe class Cpu : CpuStep
    {
        private readonly CpuSlot _y;
        private readonly (CpuSlot X, NativeFloats? Constant, long Length)[] _parts;
        private readonly NativeFloats? _addend;
        private readonly long _blocks;

        public Cpu(ConcatNode node, ArenaLayout layout)
        {
            (_y, _blocks) = (CpuSlot.Of(node.Output, layout), node.Blocks);
            _parts =
            [
                .. node.Parts.Select(p => (
                    p.Constant is null ? CpuSlot.Of(p.Value, layout) : default, p.Constant is null ? null : Constant(p.Constant), p.Value.Floats / node.Blocks)),
            ];
            _addend = Constant(node.Addend);
        }

        public override void Run(float* arena, int images)
        {
            for (var image = 0; image < images; image++)
            {
                var y = _y.Data(arena) + (image * _y.Count);
                var to = y;
                foreach (var (x, constant, length) in _parts)
                {
                    var from = constant is null ? x.Data(arena) + (image * x.Count) : constant.Data;
                    Plans.Blocks.Copy(_blocks, length, from, length, to, _y.Count / _blocks);
                    to += length;
                }

                if (_addend is not null)
                {
                    var view = new ImageView(y, _y.Height, _y.Width, _y.Channels);
                    Pointwise.Run(1, view, null, null, new ImageView(_addend.Data, _y.Height, _y.Width, _y.Channels), relu: false, view);
                }
            }
        }
    }

    private sealed class Cuda : CudaStep
    {
        private readonly CudaSlot _y;
        private readonly (CudaSlot X, CudaConstant? Constant, long Length)[] _parts;
        private readonly CudaConstant? _addend;
        private readonly long _blocks;

        public Cuda(ConcatNode node, ArenaLayout layout, CudaBackend backend)
            : base(backend)
        {
            (_y, _blocks) = (CudaSlot.Of(node.Output, layout), node.Blocks);
            _parts = [.. node.Parts.Select(p => (p.Constant is null ? CudaSlot.Of(p.Value, layout) : default, Constant(p.Constant), p.Value.Floats / node.Blocks))];
            _addend = Constant(node.Addend);
        }

        public override void Run(in CudaArena arena, int images)
        {
            var y = _y.In(arena);
            var to = y;
            foreach (var (x, constant, length) in _parts)
            {
                var (from, apart) = constant is null ? (x.In(arena), x.Count) : (constant.Pointer, 0);
                Backend.CopyBlocks(images, _blocks, length, from, apart, length, to, _y.Count, _y.Count / _blocks);
                to += (nint)(sizeof(float) * length);
            }

            if (_addend is not null)
            {
                Backend.Elementwise.BinaryStrided(
                    DType.F32, BinaryOp.Add, y, _addend.Pointer, y, images * _y.Count, Broadcast.Of([images, _y.Count], [_y.Count, 1], [0, 1]));
            }
        }
    }
}
