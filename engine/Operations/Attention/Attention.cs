namespace EscNative.Engine;

// With the shares p = softmax(c q kᵀ), c = 1 / √(d / heads), of each head:  y = p v
//   dv = pᵀ dy,   g = c p (dp - <dp, p>) of dp = dy vᵀ,   dq = g k,   dk = gᵀ q
public sealed partial class Tensor
{
    /// <summary>Scaled dot-product attention: softmax(query keyᵀ / √(d / heads)) value, each head by itself.</summary>
    /// <remarks>With heads inside the last dimension, head h in columns h d / heads and the following, as a linear layer gives them:
    /// nothing is rearranged. In PyTorch's layout, [.., heads, t, d / heads], the heads are leading dimensions and
    /// <paramref name="heads"/> is 1. BF16 is computed in F32 and rounded.</remarks>
    /// <param name="query">Tokens that ask, [.., t, d].</param>
    /// <param name="key">Tokens that answer, [.., s, d], with the same leading dimensions.</param>
    /// <param name="value">What they answer, [.., s, d]. Without any, s = 0, the answer is 0.</param>
    /// <param name="heads">Into how many heads d is cut.</param>
    /// <returns>[.., t, d].</returns>
    /// <exception cref="ShapeException">The shapes do not fit.</exception>
    public static Tensor ScaledDotProductAttention(Tensor query, Tensor key, Tensor value, int heads = 1)
    {
        CheckSame("ScaledDotProductAttention", query, key);
        CheckSame("ScaledDotProductAttention", query, value);
        query.CheckFloat("ScaledDotProductAttention");
        var (q, k) = (query.Shape, key.Shape);
        if (q.Rank < 2 || k.Rank != q.Rank || k.With(-2, q[^2]) != q || value.Shape != k || heads < 1 || q[^1] % heads != 0)
            throw new ShapeException($"ScaledDotProductAttention: got queries {q}, keys {k}, values {value.Shape}, {heads} heads; wants [.., t, d], [.., s, d], [.., s, d] with d a multiple of heads");
        using var scope = Scope();
        var y = query.AllocateLike("ScaledDotProductAttention");
        var (queries, keys, values) = (query.AsTokens(), key.AsTokens(), value.AsTokens());
        if (y.Count == 0 || keys.Count == 0)
            y.Backend.Fill(y, 0);
        else
            y.Backend.ScaledDotProductAttention(queries, keys, values, heads, y);
        if (Node.Wanted(query, key, value))
            y.SetNode(new AttentionNode(query, key, value, queries, keys, values, heads));
        return scope.Keep(y);
    }

    // [n, t, d], contiguous, with all leading dimensions in n.
    private Tensor AsTokens()
    {
        var images = 1L;
        for (var i = 0; i < Shape.Rank - 2; i++)
            images *= Shape[i];
        if (images > int.MaxValue)
            throw new ShapeException($"ScaledDotProductAttention: {Shape} has {images} images, wants at most {int.MaxValue}");
        var x = ContiguousData();
        var shape = new Shape((int)images, Shape[^2], Shape[^1]);
        return x.View(shape, Strides.Contiguous(shape), x.Offset);
    }

    private sealed class AttentionNode : Node
    {
        private readonly Shape _key;
        private readonly int _heads;

        public AttentionNode(Tensor query, Tensor key, Tensor value, Tensor queries, Tensor keys, Tensor values, int heads)
            : base(query.Shape, query, key, value)
        {
            (_key, _heads) = (key.Shape, heads);
            Save(queries, keys, values);
        }

        public override void Backward(Tensor dy)
        {
            var (dq, dk, dv) = (dy.AllocateLike("ScaledDotProductAttention"), dy.Allocate(_key, "ScaledDotProductAttention"), dy.Allocate(_key, "ScaledDotProductAttention"));
            if (dq.Count > 0 && dk.Count > 0)
            {
                dy.Backend.ScaledDotProductAttentionBackward(Saved(0), Saved(1), Saved(2), _heads, dy.ContiguousData(), dq, dk, dv);
            }
            else
            {
                foreach (var gradient in (ReadOnlySpan<Tensor>)[dq, dk, dv])
                    dy.Backend.Fill(gradient, 0);
            }

            Send(0, dq);
            Send(1, dk);
            Send(2, dv);
        }
    }
}
