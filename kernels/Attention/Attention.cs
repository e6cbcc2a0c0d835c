namespace EscNative.Kernels.Cpu;

/// <summary>Scaled dot-product attention of tokens, for inference: softmax(q kᵀ / √(d / heads)) v, head by head.</summary>
public static unsafe class Attention
{
    /// <summary>Computes the attention of some images. Each head of each image is one tile, so no result depends on the others.</summary>
    /// <param name="images">How many images.</param>
    /// <param name="queries">t, tokens of an image that ask.</param>
    /// <param name="keys">s, tokens of an image that answer.</param>
    /// <param name="width">d, values of a token; a multiple of the heads.</param>
    /// <param name="heads">How many heads; head h owns columns h d / heads and the following.</param>
    /// <param name="q">[images, t, d].</param>
    /// <param name="k">[images, s, d].</param>
    /// <param name="v">[images, s, d].</param>
    /// <param name="y">[images, t, d]; overlaps no operand.</param>
    public static void Forward(int images, int queries, int keys, int width, int heads, float* q, float* k, float* v, float* y) =>
        CpuParallel.Run(checked(images * heads), new Job(queries, keys, width, heads, q, k, v, y));

    private readonly struct Job(int queries, int keys, int width, int heads, float* q, float* k, float* v, float* y) : ITileJob
    {
        private readonly float* _q = q, _k = k, _v = v, _y = y;

        public void Execute(int tile, int worker)
        {
            var (image, head) = (tile / heads, tile % heads);
            var size = width / heads;
            var column = (nint)head * size;
            var ask = ((nint)image * queries * width) + column;
            var answer = ((nint)image * keys * width) + column;
            var count = (long)queries * keys;
            var scores = CpuScratch.Get<float>(CpuScratch.Slot.Attention, count);
            Gemm.Multiply(queries, keys, size, _q + ask, width, false, _k + answer, width, true, scores, keys, false);
            Elementwise.Affine(scores, 1 / Math.Sqrt(size), 0, scores, count);
            Softmax.Forward(scores, scores, queries, keys, log: false);
            Gemm.Multiply(queries, size, keys, scores, keys, false, _v + answer, width, false, _y + ask, width, false);
        }
    }
}
