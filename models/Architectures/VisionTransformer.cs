using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Plans;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>The feature extractor of a vision transformer: images [n, h, w, c] to features [n, d], the class token behind the last norm.</summary>
/// <remarks>
/// timm's: patches by a convolution, a class token before them, learned positions added, pre-norm blocks, LayerNorm with eps 1e-6, exact GELU.
/// Starting values are timm's too (VisionTransformer.init_weights): normal with deviation 0.02 for positions and linear weights (its cut at
/// ±2 lies a hundred deviations out), 1e-6 for the class token, 0 for the biases of linear layers, PyTorch's own for the convolution.
/// </remarks>
public sealed class VisionTransformer : Module
{
    private const double Eps = 1e-6;
    private const double Deviation = 0.02;

    private readonly Parameter _classToken;
    private readonly Parameter _positions;
    private readonly Conv2d _patches;
    private readonly TransformerBlock[] _blocks;
    private readonly LayerNorm _norm;
    private readonly int _size;
    private readonly int _grid;

    /// <summary>An extractor with timm's starting values.</summary>
    /// <param name="shape">Its sizes.</param>
    /// <param name="size">Rows and columns of the images, a multiple of the patch.</param>
    /// <param name="channels">Colours of the images.</param>
    /// <param name="random">The source of the starting values.</param>
    /// <param name="device">Where the parameters live.</param>
    /// <exception cref="UsageException">A size makes no sense.</exception>
    public VisionTransformer(VisionTransformerShape shape, int size, int channels, RandomSource random, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(random);
        shape.CheckSize(size);
        (_size, _grid, FeatureWidth) = (size, size / shape.Patch, shape.Width);
        _classToken = AddParameter("cls_token", Normal((1, 1, shape.Width), 1e-6, random, device));
        _positions = AddParameter("pos_embed", Normal((1, 1 + (_grid * _grid), shape.Width), Deviation, random, device));
        _patches = new Conv2d(channels, shape.Width, shape.Patch, random, shape.Patch, device: device);
        AddModule("patch_embed", new PatchEmbedding(_patches));
        _blocks = new TransformerBlock[shape.Depth];
        AddModule("blocks", new BlockList(_blocks, shape, Eps, random, device));
        _norm = AddModule("norm", new LayerNorm(shape.Width, Eps, device));
        foreach (var (_, module) in NamedModules)
        {
            if (module is Linear linear)
                Start(linear, random);
        }
    }

    /// <summary>ViT-Ti/16: 192 features, 3 heads.</summary>
    public static IArchitecture Tiny { get; } = new VisionTransformerFamily("vit-ti16", new(192, 3));

    /// <summary>ViT-S/16: 384 features, 6 heads.</summary>
    public static IArchitecture Small { get; } = new VisionTransformerFamily("vit-s16", new(384, 6));

    /// <summary>ViT-B/16: 768 features, 12 heads.</summary>
    public static IArchitecture Base { get; } = new VisionTransformerFamily("vit-b16", new(768, 12));

    /// <summary>d, the number of features.</summary>
    public int FeatureWidth { get; }

    /// <summary>Gives a linear layer timm's starting values.</summary>
    internal static void Start(Linear linear, RandomSource random)
    {
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        linear.Weight.Value.Assign(Normal(linear.Weight.Shape, Deviation, random, linear.Weight.Value.Device));
        linear.Bias?.Value.Assign(Tensor.Zeros(linear.Bias.Shape, device: linear.Bias.Value.Device));
    }

    private static Tensor Normal(Shape shape, double deviation, RandomSource random, Device? device)
    {
        var values = new float[shape.Count];
        random.FillNormal(values);
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(values[i] * deviation);
        return Tensor.From(values, shape, device);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Shape.Rank != 4 || x.Shape[1] != _size || x.Shape[2] != _size)
            throw new ShapeException($"vision transformer: got images {x.Shape}, wants [n, {_size}, {_size}, c]");
        using var scope = Tensor.Scope();
        var n = x.Shape[0];
        var patches = _patches.Forward(x).Reshape((n, _grid * _grid, FeatureWidth));
        var first = _classToken.Value + Tensor.Zeros((n, 1, FeatureWidth), device: x.Device);
        x = Tensor.Concat([first, patches], 1) + _positions.Value;
        foreach (var block in _blocks)
            x = block.Forward(x);
        return scope.Keep(_norm.Forward(x.Slice(1, 0, 1).Reshape((n, FeatureWidth))));
    }

    /// <inheritdoc/>
    protected override PlanValue LowerCore(PlanBuilder plan, PlanValue x)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(x);
        if (x.Shape.Rank != 3 || x.Shape[0] != _size || x.Shape[1] != _size)
            throw new ShapeException($"vision transformer: got an image {x.Shape}, wants [{_size}, {_size}, c]");
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        var patches = plan.Reshape(_patches.Lower(plan, x), (_grid * _grid, FeatureWidth));
        var first = plan.Constant(_classToken.Value.Reshape((1, FeatureWidth)));
        x = plan.Add(plan.Concat([first, patches], 0), plan.Constant(_positions.Value.Reshape((1 + (_grid * _grid), FeatureWidth))));
        // Behind the last block only the class token is read, so it alone is computed there; its keys and values are those of all tokens.
        for (var i = 0; i < _blocks.Length - 1; i++)
            x = _blocks[i].Lower(plan, x);
        x = _blocks[^1].LowerFirst(plan, x);
        return plan.Reshape(_norm.Lower(plan, x), FeatureWidth);
    }

    // timm's names have a level for each of these two.
    private sealed class PatchEmbedding : Module
    {
        private readonly Conv2d _projection;

        public PatchEmbedding(Conv2d projection) => _projection = AddModule("proj", projection);

        public override Tensor Forward(Tensor x) => _projection.Forward(x);
    }

    private sealed class BlockList : Module
    {
        private readonly TransformerBlock[] _blocks;

        public BlockList(TransformerBlock[] blocks, VisionTransformerShape shape, double eps, RandomSource random, Device? device)
        {
            _blocks = blocks;
            for (var i = 0; i < blocks.Length; i++)
                blocks[i] = AddModule(FormattableString.Invariant($"{i}"), new TransformerBlock(shape.Width, shape.Heads, eps, random, device));
        }

        public override Tensor Forward(Tensor x)
        {
            using var scope = Tensor.Scope();
            foreach (var block in _blocks)
                x = block.Forward(x);
            return scope.Keep(x);
        }
    }
}
