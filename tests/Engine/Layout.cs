using EscNative.Engine;

namespace EscNative.Tests.Engine;

/// <summary>How an operand lies in memory: itself a leaf, or a view of a leaf through which gradients must flow.</summary>
public enum Layout
{
    /// <summary>The leaf itself.</summary>
    Contiguous,

    /// <summary>The last two dimensions exchanged.</summary>
    Transposed,

    /// <summary>All dimensions in reverse order.</summary>
    Reversed,

    /// <summary>Every second value of the last dimension and a part of the first one of a larger leaf.</summary>
    Strided,
}

/// <summary>Takes values from the shape that an operation sees to the shape that lies in memory, and back.</summary>
public static class Layouts
{
    /// <summary>Whether the layout differs from the ones before it for an array of this rank.</summary>
    public static bool AppliesTo(this Layout layout, int rank) => layout switch
    {
        Layout.Contiguous => true,
        Layout.Transposed => rank >= 2,
        Layout.Reversed => rank >= 3,
        _ => rank >= 1,
    };

    /// <summary>The leaf's values; what the view does not show is <paramref name="hidden"/>.</summary>
    public static NdArray ToLeaf(this Layout layout, NdArray view, double hidden)
    {
        if (!layout.AppliesTo(view.Rank))
            return view;
        switch (layout)
        {
            case Layout.Contiguous:
                return view;
            case Layout.Transposed:
            case Layout.Reversed:
                return view.Permute(layout.Axes(view.Rank));
            default:
                var leaf = new NdArray(LeafShape(view.Shape));
                Array.Fill(leaf.Values, hidden);
                foreach (var index in NdArray.Indices(view.Shape))
                    leaf[Visible(index)] = view[index];
                return leaf;
        }
    }

    /// <summary>What the view shows of the leaf's values.</summary>
    public static NdArray ToView(this Layout layout, NdArray leaf, int[] shape)
    {
        if (!layout.AppliesTo(shape.Length) || layout == Layout.Contiguous)
            return leaf;
        return layout == Layout.Strided
            ? NdArray.Build(shape, index => leaf[Visible(index)])
            : leaf.Permute(layout.Axes(leaf.Rank));
    }

    /// <summary>The engine's view of the leaf. The caller's scope disposes it.</summary>
    public static Tensor ToView(this Layout layout, Tensor leaf)
    {
        var rank = leaf.Shape.Rank;
        if (!layout.AppliesTo(rank) || layout == Layout.Contiguous)
            return leaf;
        if (layout != Layout.Strided)
            return leaf.Permute(layout.Axes(rank));
        var last = leaf.Slice(-1, 1, leaf.Shape[^1], 2);
        return rank == 1 ? last : last.Slice(0, 1, leaf.Shape[0] - 1);
    }

    private static int[] Axes(this Layout layout, int rank)
    {
        var axes = Enumerable.Range(0, rank).ToArray();
        if (layout == Layout.Reversed)
            Array.Reverse(axes);
        else
            (axes[^1], axes[^2]) = (axes[^2], axes[^1]);
        return axes;
    }

    // Last dimension: 1, 3, 5, ... of 2 e + 1. First one, where it is another: 1 .. e of e + 2.
    private static int[] LeafShape(int[] view)
    {
        var shape = (int[])view.Clone();
        if (view.Length > 1)
            shape[0] += 2;
        shape[^1] = (2 * shape[^1]) + 1;
        return shape;
    }

    private static int[] Visible(int[] index)
    {
        var leaf = (int[])index.Clone();
        if (index.Length > 1)
            leaf[0]++;
        leaf[^1] = (2 * leaf[^1]) + 1;
        return leaf;
    }
}
