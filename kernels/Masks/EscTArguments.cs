using System.Runtime.InteropServices;

namespace EscNative.Kernels.Cuda;

/// <summary>The parameter of the kernel <c>esct_epoch_f32</c>, as it lies in memory. Addresses are of the device.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EscTArguments
{
    /// <summary>Features, [n, d].</summary>
    public nint Features;

    /// <summary>[n], 0 to classes - 1.</summary>
    public nint Labels;

    /// <summary>[ordered] ints: the rows of the epoch's steps.</summary>
    public nint Order;

    /// <summary>U: [d, r].</summary>
    public nint Basis;

    /// <summary>M: [d, r].</summary>
    public nint Mask;

    /// <summary>W: [classes, d].</summary>
    public nint Weight;

    /// <summary>[classes]</summary>
    public nint Bias;

    /// <summary>Workspace of <see cref="EscTPlan.PartialCount"/> floats.</summary>
    public nint Partial;

    /// <summary>Workspace, [batch, classes].</summary>
    public nint Slope;

    /// <summary>Workspace, [batch] ints.</summary>
    public nint Hit;

    /// <summary>Receives W A Aᵀ with the mask after the epoch, [classes, d].</summary>
    public nint Head;

    /// <summary>Workspace of <see cref="EscTPlan.OutsideCount"/> floats, or 0 where that is 0.</summary>
    public nint Outside;

    /// <summary>Receives two ints: hits after the epoch, and steps that changed the mask.</summary>
    public nint Result;

    /// <summary>One uint, 0 before the first launch.</summary>
    public nint Barrier;

    /// <summary>Rows.</summary>
    public long Count;

    /// <summary>Rows in the order; 0 counts hits alone.</summary>
    public long Ordered;

    /// <summary>d.</summary>
    public int Dimension;

    /// <summary>r.</summary>
    public int Columns;

    /// <summary>C.</summary>
    public int Classes;

    /// <summary>Rows of a step.</summary>
    public int Batch;

    /// <summary>From the plan.</summary>
    public int Panel;

    /// <summary>From the plan.</summary>
    public int Groups;

    /// <summary>The learning rate.</summary>
    public float Rate;
}
