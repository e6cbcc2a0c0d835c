namespace EscNative.Engine;

public sealed partial class Tensor
{
    /// <summary>Sets each value to 0 with probability p and scales the others by 1 / (1 - p).</summary>
    /// <param name="p">0 &lt;= p &lt; 1.</param>
    /// <param name="seed">The seed of the random stream.</param>
    /// <param name="stream">The stream's number.</param>
    /// <param name="offset">Where in the stream to begin: value i uses number offset + i.</param>
    /// <exception cref="UsageException">p is out of range.</exception>
    public Tensor Dropout(double p, ulong seed, ulong stream = 0, ulong offset = 0)
    {
        if (p is not (>= 0 and < 1))
            throw new UsageException($"Dropout: got p = {p}, wants 0 <= p < 1");
        CheckFloat("Dropout");
        if (p == 0)
            return Share();
        using var scope = Scope();
        var y = AllocateLike("Dropout");
        var mask = Allocate(Device, DType.U8, Shape, "Dropout");
        Backend.Dropout(ContiguousData(), y, mask, p, seed, stream, offset);
        if (Node.Wanted(this))
            y.SetNode(new DropoutNode(this, mask, 1 / (1 - p)));
        return scope.Keep(y);
    }

    private sealed class DropoutNode : Node
    {
        private readonly double _scale;

        public DropoutNode(Tensor x, Tensor mask, double scale)
            : base(x.Shape, x)
        {
            _scale = scale;
            Save(mask);
        }

        public override void Backward(Tensor dy)
        {
            dy = dy.ContiguousData();
            var dx = Overwrite(dy, "Dropout");
            dy.Backend.ApplyMask(dy, Saved(0), _scale, dx);
            Send(0, dx);
        }
    }
}
