using System.Numerics;

namespace EscNative.Kernels.Cpu;

/// <summary>Scaled dot-product attention of tokens: softmax(q kᵀ / √(d / heads)) v, head by head, in float or double.</summary>
/// <remarks>
/// Each head of each image is one tile, so no result depends on the others. The way back computes the shares p = softmax(..) again rather
/// than keep them: dv = pᵀ dy, and with g = p (dp - &lt;dp, p&gt;) / √(d / heads) of dp = dy vᵀ, dq = g k and dk = gᵀ q.
/// </remarks>
public static unsafe class Attention
{
    /// <summary>Computes the attention of some images.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="images">How many images.</param>
    /// <param name="queries">t, tokens of an image that ask.</param>
    /// <param name="keys">s, tokens of an image that answer.</param>
    /// <param name="width">d, values of a token; a multiple of the heads.</param>
    /// <param name="heads">How many heads; head h owns columns h d / heads and the following.</param>
    /// <param name="q">[images, t, d].</param>
    /// <param name="k">[images, s, d].</param>
    /// <param name="v">[images, s, d].</param>
    /// <param name="y">[images, t, d]; overlaps no operand.</param>
    public static void Forward<T>(int images, int queries, int keys, int width, int heads, T* q, T* k, T* v, T* y)
        where T : unmanaged, INumberBase<T> => Forward(images, queries, keys, width, heads, q, width, k, width, v, width, y);

    /// <summary>The same of operands whose tokens stand further apart: columns of a wider matrix, such as one product of all three.</summary>
    /// <inheritdoc cref="Forward{T}(int, int, int, int, int, T*, T*, T*, T*)"/>
    /// <param name="pitchQ">Values from one token of q to the next, at least d.</param>
    /// <param name="pitchK">Values from one token of k to the next, at least d.</param>
    /// <param name="pitchV">Values from one token of v to the next, at least d.</param>
    public static void Forward<T>(
        int images, int queries, int keys, int width, int heads, T* q, int pitchQ, T* k, int pitchK, T* v, int pitchV, T* y)
        where T : unmanaged, INumberBase<T> =>
        CpuParallel.Run(checked(images * heads), new ForwardJob<T>(new Tiles(queries, keys, width, heads), q, pitchQ, k, pitchK, v, pitchV, y));

    /// <summary>The gradients of <see cref="Forward{T}(int, int, int, int, int, T*, T*, T*, T*)"/>; all are only written, and overlap no operand.</summary>
    /// <inheritdoc cref="Forward{T}(int, int, int, int, int, T*, T*, T*, T*)" path="/typeparam|/param"/>
    /// <param name="dy">[images, t, d].</param>
    /// <param name="dq">[images, t, d].</param>
    /// <param name="dk">[images, s, d].</param>
    /// <param name="dv">[images, s, d].</param>
    public static void Backward<T>(
        int images, int queries, int keys, int width, int heads, T* q, T* k, T* v, T* dy, T* dq, T* dk, T* dv)
        where T : unmanaged, INumberBase<T> =>
        CpuParallel.Run(checked(images * heads), new BackwardJob<T>(new Tiles(queries, keys, width, heads), q, k, v, dy, dq, dk, dv));

    // The shares of one head: of each query for every key.
    private static void Shares<T>(in Tiles s, T* q, int pitchQ, T* k, int pitchK, T* shares)
        where T : unmanaged, INumberBase<T>
    {
        Gemm.Multiply(s.Queries, s.Keys, s.Size, q, pitchQ, false, k, pitchK, true, shares, s.Keys, false);
        Elementwise.Affine(shares, s.Scale, 0, shares, s.Scores);
        Softmax.Forward(shares, shares, s.Queries, s.Keys, log: false);
    }

    private readonly record struct Tiles(int Queries, int Keys, int Width, int Heads)
    {
        public int Size => Width / Heads;

        public long Scores => (long)Queries * Keys;

        public double Scale => 1 / Math.Sqrt(Size);

        // Where a tile's head begins among the queries, and among the keys.
        public (nint Query, nint Key) Starts(int tile)
        {
            var (image, head) = (tile / Heads, tile % Heads);
            var column = (nint)head * Size;
            return (((nint)image * Queries * Width) + column, ((nint)image * Keys * Width) + column);
        }
    }

    private readonly struct ForwardJob<T>(Tiles tiles, T* q, int pitchQ, T* k, int pitchK, T* v, int pitchV, T* y) : ITileJob
        where T : unmanaged, INumberBase<T>
    {
        private readonly T* _q = q, _k = k, _v = v, _y = y;

        public void Execute(int tile, int worker)
        {
            var s = tiles;
            var (image, head) = ((nint)(tile / s.Heads), tile % s.Heads);
            var column = (nint)head * s.Size;
            var query = _q + (image * s.Queries * pitchQ) + column;
            var key = _k + (image * s.Keys * pitchK) + column;
            var value = _v + (image * s.Keys * pitchV) + column;
            var shares = CpuScratch.Get<T>(CpuScratch.Slot.Attention, s.Scores);
            Shares(s, query, pitchQ, key, pitchK, shares);
            Gemm.Multiply(
                s.Queries, s.Size, s.Keys, shares, s.Keys, false, value, pitchV, false, _y + (image * s.Queries * s.Width) + column, s.Width, false);
        }
    }

    private readonly struct BackwardJob<T>(Tiles tiles, T* q, T* k, T* v, T* dy, T* dq, T* dk, T* dv) : ITileJob
        where T : unmanaged, INumberBase<T>
    {
        private readonly T* _q = q, _k = k, _v = v, _dy = dy, _dq = dq, _dk = dk, _dv = dv;

        public void Execute(int tile, int worker)
        {
            var s = tiles;
            var (query, key) = s.Starts(tile);
            var shares = CpuScratch.Get<T>(CpuScratch.Slot.Attention, 2 * s.Scores);
            var g = shares + s.Scores;
            Shares(s, _q + query, s.Width, _k + key, s.Width, shares);
            Gemm.Multiply(s.Keys, s.Size, s.Queries, shares, s.Keys, true, _dy + query, s.Width, false, _dv + key, s.Width, false);
            Gemm.Multiply(s.Queries, s.Keys, s.Size, _dy + query, s.Width, false, _v + key, s.Width, true, g, s.Keys, false);
            Softmax.Backward(shares, g, g, s.Queries, s.Keys, log: false);
            Elementwise.Affine(g, s.Scale, 0, g, s.Scores);
            Gemm.Multiply(s.Queries, s.Size, s.Keys, g, s.Keys, false, _k + key, s.Width, false, _dq + query, s.Width, false);
            Gemm.Multiply(s.Keys, s.Size, s.Queries, g, s.Keys, true, _q + query, s.Width, false, _dk + key, s.Width, false);
        }
    }
}
