using EscNative.Engine;

namespace EscNative.Tests.Engine;

/// <summary>A case set up on a device: operands of one type in one layout, ready to run.</summary>
internal sealed class Operation : IDisposable
{
    private readonly Layout _layout;
    private readonly DType _type;
    private readonly Device _device;
    private readonly Tensor[] _operands;

    /// <param name="only">The operand that requires a gradient; -1 for none, null for all.</param>
    public Operation(string name, Layout layout, DType type, string device, int? only = null)
    {
        Case = OperationCases.Get(name);
        Prepared = PreparedCase.Of(Case);
        (_layout, _type, _device) = (layout, type, TestDevices.Get(device));
        Leaves = new Tensor[Case.Inputs.Length];
        _operands = new Tensor[Leaves.Length];
        for (var i = 0; i < Leaves.Length; i++)
        {
            // Hidden values that are read show: as NaN, as an index out of range.
            var input = Case.Inputs[i];
            var values = layout.ToLeaf(Prepared.Inputs[i], hidden: input.IsInteger ? int.MaxValue : double.NaN);
            Leaves[i] = values.ToTensor(input.IsInteger ? DType.I32 : type, _device);
            if (input.IsDifferentiable && (only is null || only == i))
                Leaves[i].RequireGradient();
            using var scope = Tensor.Scope();
            _operands[i] = scope.Keep(layout.ToView(Leaves[i]));
        }
    }

    public OperationCase Case { get; }

    public PreparedCase Prepared { get; }

    public Tensor[] Leaves { get; }

    public string Context => $"{Case.Name}, {_layout}, {_type} (seed {Case.Seed})";

    public Tensor Run()
    {
        if (Case.SingleCall)
            return Case.Run(_operands);
        using var scope = Tensor.Scope();
        return scope.Keep(Case.Run(_operands));
    }

    /// <summary>Runs forward and backward with the case's weights, which lie in memory as the operands do.</summary>
    public Gradients Backward()
    {
        using var scope = Tensor.Scope();
        var y = Case.Run(_operands);
        var weights = _layout.ToView(_layout.ToLeaf(Prepared.Weights, double.NaN).ToTensor(y.DType, _device));
        return y.Backward(weights);
    }

    public void AssertGradient(int input, Gradients gradients)
    {
        var leaf = gradients[Leaves[input]].ToNdArray();
        var shape = Prepared.Inputs[input].Shape;
        var got = _layout.ToView(leaf, shape);
        Close.AssertEqual(_layout.ToLeaf(got, 0), leaf, 0, $"{Context}: gradient of operand {input}, hidden values");

        var derivative = Prepared.DerivativeOf(input);
        // Beside the engine's rounding, the error of the differences (PreparedCase).
        var difference = 1e-7 * Math.Max(derivative.Largest, 1);
        var tolerance = difference + Tolerance(Case.GradientFactor, Case.GradientTerms, Math.Max(derivative.Largest, Case.GradientScale));
        for (var i = 0; i < derivative.Positions.Length; i++)
        {
            Close.AssertEqual(
                derivative.Values[i], got.Values[derivative.Positions[i]], tolerance,
                $"{Context}: gradient of operand {input} at {derivative.Positions[i]} of [{string.Join(", ", shape)}]");
        }

        // Errors of random sign: √n of them, in a direction of values up to 1.
        Close.AssertEqual(
            derivative.Along, got.Dot(new NdArray(shape, derivative.Direction)), tolerance * Math.Max(Math.Sqrt(got.Values.Length), 1),
            $"{Context}: gradient of operand {input} in a random direction");
    }

    public double Tolerance(double factor, double terms, double largest) =>
        factor * Math.Sqrt(terms) * Close.Rounding(Case.Narrow ? DType.F32 : _type) * largest;

    public void Dispose()
    {
        foreach (var operand in _operands)
            operand.Dispose();
        foreach (var leaf in Leaves)
            leaf.Dispose();
    }
}
