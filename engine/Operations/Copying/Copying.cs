using EscNative.Kernels;

namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>The values one after another: a view where they lie so, else a copy; in the gradient graph either way.</summary>
    public Tensor Contiguous() => IsContiguous ? Share() : Clone();

    /// <summary>A copy in memory of its own, in the gradient graph.</summary>
    public Tensor Clone()
    {
        var y = CopyContiguous(scoped: true);
        if (Node.Wanted(this))
            y.SetNode(new CopyNode(this));
        return y;
    }

    /// <summary>The values converted to another type; the gradient comes back in this tensor's type.</summary>
    public Tensor To(DType type)
    {
        if (type == DType)
            return Share();
        using var scope = Scope();
        var x = ContiguousData();
        var y = Allocate(Device, type, Shape, "To");
        Backend.Convert(x, y);
        if (type.IsFloat() && DType.IsFloat() && Node.Wanted(this))
            y.SetNode(new ConvertNode(this));
        return scope.Keep(y);
    }

    /// <summary>The values on another device, in the gradient graph; the gradient comes back to this tensor's device. Waits for both.</summary>
    public Tensor To(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device == Device)
            return Share();
        using var scope = Scope();
        var x = ContiguousData();
        var y = Allocate(device, DType, Shape, "To");
        var bytes = checked((int)(Count * DType.Size()));
        unsafe
        {
            using var call = KernelCall.Begin();
            // One of the two sides is nearly always main memory already.
            if (device.IsHost)
            {
                Backend.CopyToHost(x, new Span<byte>((void*)y.Pointer, bytes));
            }
            else if (Device.IsHost)
            {
                y.Backend.CopyFromHost(new ReadOnlySpan<byte>((void*)x.Pointer, bytes), y);
            }
            else
            {
                var host = new byte[bytes];
                Backend.CopyToHost(x, host);
                y.Backend.CopyFromHost(host, y);
            }
        }

        if (Node.Wanted(this))
            y.SetNode(new MoveNode(this));
        return scope.Keep(y);
    }

    /// <summary>The contiguous values outside the graph: what a kernel reads. The same tensor where nothing needs copying.</summary>
    internal Tensor ContiguousData() => IsContiguous ? this : CopyContiguous(scoped: true);

    internal Tensor CopyContiguous(bool scoped)
    {
        // Before the copy exists: outside a scope nobody would dispose it.
        CheckLive();
        var storage = new Storage(Backend.Pool, Math.Max(Count * DType.Size(), 1), "Contiguous");
        var y = new Tensor(Device, DType, Shape, Strides.Contiguous(Shape), 0, storage, scoped);
        Backend.Copy(this, y);
        return y;
    }

    private sealed class CopyNode(Tensor x) : Node(x.Shape, x)
    {
        public override void Backward(Tensor dy) => Send(0, dy);
    }

    private sealed class MoveNode(Tensor x) : Node(x.Shape, x)
    {
        private readonly Device _device = x.Device;

        public override void Backward(Tensor dy) => Send(0, dy.To(_device));
    }

    private sealed class ConvertNode(Tensor x) : Node(x.Shape, x)
    {
        private readonly DType _type = x.DType;

        public override void Backward(Tensor dy) => Send(0, dy.To(_type));
    }
}
