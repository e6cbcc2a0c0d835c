using System.Text;
using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Kernels;

namespace EscNative.Tests.Plans;

/// <summary>A random small network of images, tokens or vectors, in evaluation mode, that is a function of its seed.</summary>
internal sealed class RandomNetwork
{
    private readonly Random _dice;
    private readonly RandomSource _random;
    private readonly StringBuilder _text = new();
    private int[] _shape;
    private double _roundings;

    public RandomNetwork(int seed)
    {
        _dice = new Random(seed);
        _random = new RandomSource((ulong)seed);
        _shape = _dice.Next(10) switch
        {
            0 => [Pick(1, 5, 16, 33)],
            1 or 2 => [Pick(1, 3, 8, 17), Pick(4, 12, 24, 32)],
            _ => [_dice.Next(1, 21), _dice.Next(1, 21), Pick(1, 2, 3, 8, 16, 17, 32, 48)],
        };
        Image = new Shape(_shape);
        _text.Append($"seed {seed}: {Image}");
        var blocks = new List<Module>();
        for (var left = _dice.Next(1, 7); left > 0; left--)
            blocks.Add(Block(depth: 0));
        if (_shape.Length == 3 && _dice.Next(2) == 0)
            blocks.Add(GlobalPool());
        Net = new Sequential([.. blocks]) { Training = false };
    }

    public Module Net { get; }

    /// <summary>The shape of one input image.</summary>
    public Shape Image { get; }

    /// <summary>
    /// Relative error that rounding may cause between two ways to compute the network, each with its own order of sums: a sum of k terms
    /// differs by c √k 2^-24 of the size of its terms, with c = 8 for both together (four standard deviations each); layers add up.
    /// Winograd's transforms make the error of a sum about eight times as large.
    /// </summary>
    public double Tolerance => 8 * 8 * _roundings * Math.Pow(2, -24);

    public override string ToString() => _text.ToString();

    private Module Block(int depth)
    {
        if (_shape.Length < 3)
            return TokenBlock(depth);
        switch (_dice.Next(depth > 0 ? 6 : 11))
        {
            case 0 or 1:
                return Conv();
            case 2:
                return Named("relu", new Relu(), 0);
            case 3:
                return Norm();
            case 4:
                return Linear();
            case 5:
                return Named("dropout", new Dropout(0.5, _random), 0);
            case 6:
                return Activation();
            case 7:
                return Pooling();
            case 8:
                return LayerNorm();
            default:
                return ResidualBlock();
        }
    }

    private Module TokenBlock(int depth) => _dice.Next(depth > 0 ? 5 : 7) switch
    {
        0 => Linear(),
        1 => Named("relu", new Relu(), 0),
        2 => Activation(),
        3 => LayerNorm(),
        4 when _shape.Length == 2 => Attention(),
        4 => Norm(),
        _ => ResidualBlock(),
    };

    private Sequential Conv()
    {
        var kernel = Math.Min(Pick(1, 2, 3, 3, 3, 5, 7), Math.Min(_shape[0], _shape[1]) + 4);
        var padding = _dice.Next(3) > 0 ? kernel / 2 : _dice.Next(0, kernel);
        if (_shape[0] + (2 * padding) < kernel || _shape[1] + (2 * padding) < kernel)
            padding = kernel;
        var stride = Pick(1, 1, 1, 2, 3);
        var outputs = Pick(1, 4, 7, 16, 17, 24, 32, 48, 64);
        var parts = new List<Module> { _dice.Next(4) == 0 ? Grouped() : Convolution(outputs, kernel, stride, padding, bias: _dice.Next(2) == 0) };
        if (_dice.Next(2) == 0)
            parts.Add(Norm());
        if (_dice.Next(2) == 0)
            parts.Add(Named("relu", new Relu(), 0));
        return new Sequential([.. parts]);
    }

    private Conv2d Convolution(int outputs, int kernel, int stride, int padding, bool bias)
    {
        var conv = new Conv2d(_shape[2], outputs, kernel, _random, stride, padding, bias);
        // The starting values of PyTorch shrink what passes; these keep it.
        Scale(conv.Weight, Math.Sqrt(6));
        var terms = kernel * kernel * _shape[2];
        _shape = [((_shape[0] + (2 * padding) - kernel) / stride) + 1, ((_shape[1] + (2 * padding) - kernel) / stride) + 1, outputs];
        return Named($"conv {kernel}x{kernel} stride {stride} padding {padding} to {outputs}{(bias ? " + bias" : "")}", conv, terms);
    }

    // Groups, dilations, and everything different on every side.
    private Conv2d Grouped()
    {
        int Padding() => _dice.Next(4, 7);
        var divisors = Enumerable.Range(1, _shape[2]).Where(g => _shape[2] % g == 0).ToArray();
        var groups = divisors[_dice.Next(divisors.Length)];
        var outputs = groups * _dice.Next(1, 4);
        var (kernel, dilation) = ((Height: _dice.Next(1, 4), Width: _dice.Next(1, 4)), (Height: _dice.Next(1, 4), Width: _dice.Next(1, 4)));
        var options = new Conv2dOptions
        {
            Stride = (_dice.Next(1, 3), _dice.Next(1, 3)),
            Padding = (Padding(), Padding(), Padding(), Padding()),
            Dilation = dilation,
            Groups = groups,
        };
        var conv = new Conv2d(_shape[2], outputs, kernel, _random, options, bias: _dice.Next(2) == 0);
        Scale(conv.Weight, Math.Sqrt(6));
        var terms = kernel.Height * kernel.Width * _shape[2] / groups;
        var (p, s) = (options.Padding, options.Stride);
        _shape =
        [
            ((_shape[0] + p.Top + p.Bottom - (dilation.Height * (kernel.Height - 1)) - 1) / s.Height) + 1,
            ((_shape[1] + p.Left + p.Right - (dilation.Width * (kernel.Width - 1)) - 1) / s.Width) + 1, outputs,
        ];
        return Named($"conv {kernel} of {options}, to {outputs}", conv, terms);
    }

    private Residual ResidualBlock()
    {
        _text.Append(" (");
        var before = _shape;
        var body = new Sequential([.. Enumerable.Range(0, _dice.Next(1, 4)).Select(_ => Block(depth: 1))]);
        var after = _shape;
        _text.Append(" |");
        Module? shortcut = null;
        if (!before.AsSpan().SequenceEqual(after) || _dice.Next(3) == 0)
        {
            _shape = before;
            shortcut = Shortcut(after);
        }

        _text.Append(" )");
        _roundings += 1;
        return new Residual(body, shortcut);
    }

    // Brings x to the shape of the body: for images whose size the body changed, by a stride or a window that gives that size.
    private Module Shortcut(int[] after)
    {
        if (_shape.Length < 3)
            return LinearTo(after[^1]);
        if (_shape[0] == after[0] && _shape[1] == after[1])
            return Convolution(after[2], 1, 1, 0, bias: true);
        for (var kernel = 1; kernel <= 24; kernel++)
        {
            for (var padding = 0; padding <= kernel; padding++)
            {
                for (var stride = 1; stride <= 21; stride++)
                {
                    if (Fits(_shape[0], after[0]) && Fits(_shape[1], after[1]))
                        return Convolution(after[2], kernel, stride, padding, bias: false);

                    bool Fits(int size, int wanted) => size + (2 * padding) >= kernel && ((size + (2 * padding) - kernel) / stride) + 1 == wanted;
                }
            }
        }

        // A body that made images larger on one side and smaller on the other.
        var pool = Named($"adaptive pool to {after[0]}x{after[1]}", new AdaptiveAveragePool2d(after[0], after[1]), _shape[0] * _shape[1]);
        _shape = [after[0], after[1], _shape[2]];
        return new Sequential(pool, Convolution(after[2], 1, 1, 0, bias: false));
    }

    private Pool Pooling()
    {
        var kernel = Math.Min(Pick(2, 3, 3, 4), Math.Min(_shape[0], _shape[1]));
        var (stride, padding) = (Pick(1, 2, 3), _dice.Next(0, (kernel / 2) + 1));
        var (largest, count) = (_dice.Next(2) == 0, _dice.Next(2) == 0);
        _shape = [((_shape[0] + (2 * padding) - kernel) / stride) + 1, ((_shape[1] + (2 * padding) - kernel) / stride) + 1, _shape[2]];
        return Named(
            $"{(largest ? "max" : "average")} pool {kernel} stride {stride} padding {padding}{(count ? " counted" : "")}",
            new Pool(largest, kernel, stride, padding, count), largest ? 0 : kernel * kernel);
    }

    private GlobalAveragePool2d GlobalPool()
    {
        var pixels = _shape[0] * _shape[1];
        _shape = [_shape[2]];
        return Named("global pool", new GlobalAveragePool2d(), pixels);
    }

    private BatchNorm2d Norm()
    {
        var channels = _shape[^1];
        var norm = new BatchNorm2d(channels);
        Draw(norm.RunningMean, -0.5, 0.5);
        Draw(norm.RunningVariance, 0.5, 2);
        Draw(norm.Weight, 0.5, 1.5);
        Draw(norm.Bias, -0.5, 0.5);
        return Named("batch norm", norm, 4);
    }

    private LayerNorm LayerNorm()
    {
        var width = _shape[^1];
        // One or two values of nearly equal size become +-1 by the sign of their rounding; a large eps keeps that tame.
        var norm = new LayerNorm(width, eps: 0.5);
        Draw(norm.Weight, 0.5, 1.5);
        Draw(norm.Bias, -0.5, 0.5);
        return Named("layer norm", norm, 4 * width);
    }

    private Linear Linear() => LinearTo(_shape.Length == 2 ? _shape[1] : Pick(1, 6, 16, 24, 33));

    private Linear LinearTo(int outputs)
    {
        var inputs = _shape[^1];
        var linear = new Linear(inputs, outputs, _random, bias: _dice.Next(2) == 0);
        Scale(linear.Weight, Math.Sqrt(3));
        _shape = [.. _shape[..^1], outputs];
        return Named($"linear to {outputs}", linear, inputs);
    }

    private SelfAttention Attention()
    {
        var heads = Pick(1, 2, 4);
        return Named($"attention of {heads}", new SelfAttention(_shape[1], heads, _random), 4 * (_shape[0] + _shape[1]));
    }

    private Activation Activation()
    {
        var op = _dice.Next(6) switch
        {
            0 => UnaryOp.Gelu,
            1 => UnaryOp.Tanh,
            2 => UnaryOp.Silu,
            3 => UnaryOp.Relu6,
            4 => UnaryOp.GeluTanh,
            _ => UnaryOp.Sigmoid,
        };
        return Named(op.ToString(), new Activation(op), 4);
    }

    private T Named<T>(string text, T module, double terms)
        where T : Module
    {
        _text.Append($", {text}");
        _roundings += Math.Sqrt(terms);
        return module;
    }

    private int Pick(params ReadOnlySpan<int> of) => of[_dice.Next(of.Length)];

    private void Draw(Tensor tensor, double low, double high)
    {
        var values = new float[tensor.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(low + ((high - low) * _dice.NextDouble()));
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        tensor.Assign(Tensor.From(values, tensor.Shape));
    }

    private static void Scale(Tensor tensor, double factor)
    {
        using var scope = Tensor.Scope();
        using var noGrad = Tensor.NoGrad();
        tensor.Assign(tensor * factor);
    }
}
