using System.Runtime.CompilerServices;

namespace EscNative.Kernels.Cpu;

/// <summary>Elementwise kernels on contiguous float or double memory; the output may be the input.</summary>
public static unsafe partial class Elementwise
{
    private const MethodImplOptions Hot = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>y = f(x).</summary>
    /// <param name="op">The function.</param>
    /// <param name="x">[n].</param>
    /// <param name="y">[n]; may be <paramref name="x"/>.</param>
    /// <param name="n">How many values.</param>
    public static void Unary<T>(UnaryOp op, T* x, T* y, long n)
        where T : unmanaged => Visit(op, new ForwardVisitor<T>(x, y, n));

    /// <summary>y = f(y) of images within halos, which are not touched.</summary>
    /// <param name="op">The function.</param>
    /// <param name="images">How many.</param>
    /// <param name="y">The images.</param>
    public static void Unary(UnaryOp op, int images, in ImageView y)
    {
        if (y.Halo == 0)
            Unary(op, (float*)y.Data, (float*)y.Data, images * y.ImageStride);
        else
            Visit(op, new ViewVisitor(images, y));
    }

    /// <summary>dx = g f'(x).</summary>
    /// <param name="op">The function.</param>
    /// <param name="saved">[n]: the operand or the result, as <see cref="UnaryOp"/> says; null where it reads nothing.</param>
    /// <param name="g">[n], the gradient of the output.</param>
    /// <param name="dx">[n]; may be <paramref name="g"/> or <paramref name="saved"/>.</param>
    /// <param name="n">How many values.</param>
    public static void UnaryBackward<T>(UnaryOp op, T* saved, T* g, T* dx, long n)
        where T : unmanaged => Visit(op, new BackwardVisitor<T>(saved, g, dx, n));

    private static void Visit<TVisitor>(UnaryOp op, TVisitor visitor)
        where TVisitor : IUnaryVisitor
    {
        switch (op)
        {
            case UnaryOp.Negate: visitor.Visit<UnaryFunctions.Negate>(); break;
            case UnaryOp.Exp: visitor.Visit<UnaryFunctions.Exp>(); break;
            case UnaryOp.Log: visitor.Visit<UnaryFunctions.Log>(); break;
            case UnaryOp.Sqrt: visitor.Visit<UnaryFunctions.Sqrt>(); break;
            case UnaryOp.Relu: visitor.Visit<UnaryFunctions.Relu>(); break;
            case UnaryOp.Gelu: visitor.Visit<UnaryFunctions.Gelu>(); break;
            case UnaryOp.Tanh: visitor.Visit<UnaryFunctions.Tanh>(); break;
            case UnaryOp.Sigmoid: visitor.Visit<UnaryFunctions.Sigmoid>(); break;
            case UnaryOp.Square: visitor.Visit<UnaryFunctions.Square>(); break;
            case UnaryOp.Abs: visitor.Visit<UnaryFunctions.Abs>(); break;
            case UnaryOp.Silu: visitor.Visit<UnaryFunctions.Silu>(); break;
            case UnaryOp.Relu6: visitor.Visit<UnaryFunctions.Relu6>(); break;
            case UnaryOp.GeluTanh: visitor.Visit<UnaryFunctions.GeluTanh>(); break;
            default: throw new ArgumentOutOfRangeException(nameof(op), op, "not a unary function");
        }
    }

    private interface IUnaryVisitor
    {
        void Visit<TFunction>()
            where TFunction : unmanaged, IUnaryFunction;
    }

    private readonly struct ForwardVisitor<T>(T* x, T* y, long n) : IUnaryVisitor
        where T : unmanaged
    {
        private readonly T* _x = x;
        private readonly T* _y = y;
        private readonly long _n = n;

        public void Visit<TFunction>()
            where TFunction : unmanaged, IUnaryFunction => SimdRunner.Run<T, UnaryJob<T, TFunction>>(
                SimdRunner.TilesOf(_n, SimdRunner.TileValues), new UnaryJob<T, TFunction>(_x, _y, _n));
    }

    private readonly struct ViewVisitor(int images, ImageView y) : IUnaryVisitor
    {
        private readonly ImageView _y = y;

        public void Visit<TFunction>()
            where TFunction : unmanaged, IUnaryFunction
        {
            var tiles = new RowTiles((long)images * _y.Height, (long)_y.Width * _y.Channels, SimdRunner.TileValues);
            SimdRunner.Run<float, ViewJob<TFunction>>(tiles.Count, new ViewJob<TFunction>(_y, tiles));
        }
    }

    private readonly struct ViewJob<TFunction>(ImageView y, RowTiles tiles) : ISimdJob<float>
        where TFunction : unmanaged, IUnaryFunction
    {
        private readonly ImageView _y = y;
        private readonly RowTiles _tiles = tiles;

        [MethodImpl(Hot)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, float>
        {
            var n = (long)_y.Width * _y.Channels;
            for (var line = _tiles.Start(tile); line < _tiles.End(tile); line++)
            {
                var y = _y.At((int)(line / _y.Height), (int)(line % _y.Height), 0);
                var i = 0L;
                for (; i <= n - V.Count; i += V.Count)
                    TFunction.Forward<V, float>(V.Load(y + i)).Store(y + i);
                if (i < n)
                    TFunction.Forward<V, float>(V.LoadPartial(y + i, n - i)).StorePartial(y + i, n - i);
            }
        }
    }

    private readonly struct BackwardVisitor<T>(T* saved, T* g, T* dx, long n) : IUnaryVisitor
        where T : unmanaged
    {
        private readonly T* _saved = saved;
        private readonly T* _g = g;
        private readonly T* _dx = dx;
        private readonly long _n = n;

        public void Visit<TFunction>()
            where TFunction : unmanaged, IUnaryFunction
        {
            // A function that reads nothing is given no pointer; what is loaded instead is not used.
            var saved = _saved == null ? _g : _saved;
            SimdRunner.Run<T, UnaryBackwardJob<T, TFunction>>(
                SimdRunner.TilesOf(_n, SimdRunner.TileValues), new UnaryBackwardJob<T, TFunction>(saved, _g, _dx, _n));
        }
    }

    private readonly struct UnaryJob<T, TFunction>(T* x, T* y, long n) : ISimdJob<T>
        where T : unmanaged
        where TFunction : unmanaged, IUnaryFunction
    {
        private readonly T* _x = x;
        private readonly T* _y = y;
        private readonly long _n = n;

        [MethodImpl(Hot)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var i = tile * SimdRunner.TileValues;
            var end = Math.Min(_n, i + SimdRunner.TileValues);
            var x = _x;
            var y = _y;
            for (; i <= end - V.Count; i += V.Count)
                TFunction.Forward<V, T>(V.Load(x + i)).Store(y + i);
            if (i < end)
                TFunction.Forward<V, T>(V.LoadPartial(x + i, end - i)).StorePartial(y + i, end - i);
        }
    }

    private readonly struct UnaryBackwardJob<T, TFunction>(T* saved, T* g, T* dx, long n) : ISimdJob<T>
        where T : unmanaged
        where TFunction : unmanaged, IUnaryFunction
    {
        private readonly T* _saved = saved;
        private readonly T* _g = g;
        private readonly T* _dx = dx;
        private readonly long _n = n;

        [MethodImpl(Hot)]
        public void Execute<V>(int tile)
            where V : unmanaged, ISimd<V, T>
        {
            var i = tile * SimdRunner.TileValues;
            var end = Math.Min(_n, i + SimdRunner.TileValues);
            var saved = _saved;
            var g = _g;
            var dx = _dx;
            for (; i <= end - V.Count; i += V.Count)
                TFunction.Backward<V, T>(V.Load(saved + i), V.Load(g + i)).Store(dx + i);
            if (i < end)
            {
                var n = end - i;
                TFunction.Backward<V, T>(V.LoadPartial(saved + i, n), V.LoadPartial(g + i, n)).StorePartial(dx + i, n);
            }
        }
    }
}
