namespace EscNative.Engine.Plans;

public sealed partial class PlanBuilder
{
    /// <summary>Values that are the same for every image: a class token, positions. The plan takes a copy.</summary>
    /// <param name="value">[d], [t, d] or [h, w, c], float32.</param>
    /// <exception cref="ShapeException">The shape has another rank, or an extent of 0.</exception>
    /// <exception cref="DTypeException">The values are not float32.</exception>
    public PlanValue Constant(Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.DType != DType.F32)
            throw new DTypeException($"plan, Constant: got {value.DType} {value.Shape}, wants F32");
        if (value.Count == 0)
            throw new ShapeException($"plan, Constant: got {value.Shape}, wants extents of 1 or more");
        return Add(new ConstantNode(Name, value.ToArray<float>()), value.Shape);
    }

    /// <summary>The same values in another shape, row-major: pixels [h, w, c] as tokens [h w, c].</summary>
    /// <param name="x">The values.</param>
    /// <param name="shape">The new shape, of as many values.</param>
    /// <exception cref="ShapeException">The number of values differs, or the rank is not 1 to 3.</exception>
    public PlanValue Reshape(PlanValue x, Shape shape)
    {
        Check(x, "Reshape");
        if (shape.Count != x.Shape.Count)
            throw new ShapeException($"plan, Reshape: {x.Shape} has {x.Shape.Count} values, {shape} has {shape.Count}");
        return shape == x.Shape ? x : Add(new ReshapeNode(Name, x), shape);
    }

    /// <summary>The values start .. end - 1 along an axis.</summary>
    /// <param name="x">The values.</param>
    /// <param name="axis">The axis, 0 for tokens of [t, d], 1 for their columns.</param>
    /// <param name="start">The first that is kept.</param>
    /// <param name="end">The first behind them.</param>
    /// <exception cref="ShapeException">The axis or the range lies outside, or the range is empty.</exception>
    public PlanValue Slice(PlanValue x, int axis, int start, int end)
    {
        Check(x, "Slice");
        if (axis < 0 || axis >= x.Shape.Rank || start < 0 || end > x.Shape[axis] || start >= end)
            throw new ShapeException($"plan, Slice: got {start}..{end} of axis {axis} of {x.Shape}, wants 0 <= start < end <= the extent of one of its {x.Shape.Rank} axes");
        return end - start == x.Shape[axis] ? x : Add(new SliceNode(Name, x, axis, start), x.Shape.With(axis, end - start));
    }

    /// <summary>Values one after another along an axis. Constants among them are part of the step; so is a constant of the result's shape that
    /// is added to it (<see cref="Add(PlanValue, PlanValue)"/>).</summary>
    /// <param name="values">The values, constants included; their other extents are equal.</param>
    /// <param name="axis">The axis.</param>
    /// <exception cref="ShapeException">There are none, the axis lies outside, or the other extents differ.</exception>
    public PlanValue Concat(ReadOnlySpan<PlanValue> values, int axis)
    {
        foreach (var value in values)
            Check(value, "Concat");
        if (values.Length == 0)
            throw new ShapeException("plan, Concat: got no values");
        var first = values[0].Shape;
        if (axis < 0 || axis >= first.Rank)
            throw new ShapeException($"plan, Concat: got axis {axis} of {first}, wants 0 to {first.Rank - 1}");
        var (extent, blocks) = (0, 1L);
        foreach (var value in values)
        {
            if (value.Shape.Rank != first.Rank || value.Shape.With(axis, 1) != first.With(axis, 1))
                throw new ShapeException($"plan, Concat: {value.Shape} and {first} differ outside axis {axis}");
            extent = checked(extent + value.Shape[axis]);
        }

        for (var i = 0; i < axis; i++)
            blocks *= first[i];
        var parts = new ConcatNode.Part[values.Length];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = ConcatNode.Part.Of(values[i]);
        return Add(new ConcatNode(Name, parts, blocks, null), first.With(axis, extent));
    }

    // A constant that is added to what a concatenation gives becomes part of it. The one without is a step only if somebody else reads it.
    private PlanValue? AddConstant(PlanValue x, PlanValue constant) =>
        (x.Producer, constant.Producer) is (ConcatNode { Addend: null } concat, ConstantNode { Values: var values })
            ? Add(new ConcatNode(Name, [.. concat.Parts], concat.Blocks, values), x.Shape)
            : null;
}
