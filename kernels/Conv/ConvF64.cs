namespace EscNative.Kernels.Cpu;

/// <summary>Convolutions in double, as they are defined. For checking gradients, not for speed.</summary>
internal static unsafe class ConvF64
{
    private enum Pass
    {
        Forward,
        DataGradient,
        WeightGradient,
    }

    /// <summary>y = conv(x, weight) + bias.</summary>
    public static void Forward(in WindowShape s, double* x, double* weight, double* bias, double* y) =>
        CpuParallel.Run(s.Batch * s.OutHeight, new Job(Pass.Forward, s, x, weight, bias, y));

    /// <summary>dx from dy.</summary>
    public static void DataGradient(in WindowShape s, double* dy, double* weight, double* dx) =>
        CpuParallel.Run(s.Batch, new Job(Pass.DataGradient, s, dx, weight, null, dy));

    /// <summary>dw from x and dy.</summary>
    public static void WeightGradient(in WindowShape s, double* x, double* dy, double* dw) =>
        CpuParallel.Run(s.OutChannels, new Job(Pass.WeightGradient, s, x, dw, null, dy));

    // A tile is a row of y (forward), an image of dx, or an output channel of dw: nothing that another tile writes.
    private readonly struct Job(Pass pass, WindowShape s, double* x, double* weight, double* bias, double* y) : ITileJob
    {
        private readonly double* _x = x, _weight = weight, _bias = bias, _y = y;

        public void Execute(int tile, int worker)
        {
            switch (pass)
            {
                case Pass.Forward:
                    ForwardRow(tile / s.OutHeight, tile % s.OutHeight);
                    break;
                case Pass.DataGradient:
                    DataGradientImage(tile);
                    break;
                default:
                    WeightGradientChannel(tile);
                    break;
            }
        }

        // The first channel that the group of an output channel reads.
        private int FirstInput(int o) => o / s.GroupOutChannels * s.GroupInChannels;

        private void ForwardRow(int image, int oy)
        {
            for (var ox = 0; ox < s.OutWidth; ox++)
            {
                var y = _y + (((long)image * s.OutHeight + oy) * s.OutWidth + ox) * s.OutChannels;
                for (var o = 0; o < s.OutChannels; o++)
                {
                    var sum = _bias == null ? 0 : _bias[o];
                    var group = FirstInput(o);
                    foreach (var (pixel, tap) in new Window(s, image, oy, ox))
                    {
                        for (var i = 0; i < s.GroupInChannels; i++)
                            sum += _x[pixel + group + i] * _weight[(long)o * s.Taps + tap + i];
                    }

                    y[o] = sum;
                }
            }
        }

        private void DataGradientImage(int image)
        {
            var size = s.Height * s.Width * s.InChannels;
            new Span<double>(_x + (long)image * size, size).Clear();
            for (var oy = 0; oy < s.OutHeight; oy++)
            {
                for (var ox = 0; ox < s.OutWidth; ox++)
                {
                    var dy = _y + (((long)image * s.OutHeight + oy) * s.OutWidth + ox) * s.OutChannels;
                    foreach (var (pixel, tap) in new Window(s, image, oy, ox))
                    {
                        for (var o = 0; o < s.OutChannels; o++)
                        {
                            var to = _x + pixel + FirstInput(o);
                            for (var i = 0; i < s.GroupInChannels; i++)
                                to[i] += dy[o] * _weight[(long)o * s.Taps + tap + i];
                        }
                    }
                }
            }
        }

        private void WeightGradientChannel(int o)
        {
            var dw = _weight + (long)o * s.Taps;
            var group = FirstInput(o);
            new Span<double>(dw, s.Taps).Clear();
            for (var image = 0; image < s.Batch; image++)
            {
                for (var oy = 0; oy < s.OutHeight; oy++)
                {
                    for (var ox = 0; ox < s.OutWidth; ox++)
                    {
                        var dy = _y[(((long)image * s.OutHeight + oy) * s.OutWidth + ox) * s.OutChannels + o];
                        foreach (var (pixel, tap) in new Window(s, image, oy, ox))
                        {
                            for (var i = 0; i < s.GroupInChannels; i++)
                                dw[tap + i] += dy * _x[pixel + group + i];
                        }
                    }
                }
            }
        }
    }

    // The input pixels that an output pixel reads: where their channels begin in x, and their taps in a kernel.
    private struct Window(in WindowShape s, int image, int oy, int ox)
    {
        private readonly WindowShape _s = s;
        private int _at = -1;

        public readonly (long Pixel, int Tap) Current
        {
            get
            {
                var (row, column) = Place;
                return ((((long)image * _s.Height + row) * _s.Width + column) * _s.InChannels, _at * _s.GroupInChannels);
            }
        }

        private readonly (int Row, int Column) Place =>
            (oy * _s.StrideHeight - _s.PadTop + (_at / _s.KernelWidth * _s.DilationHeight),
                ox * _s.StrideWidth - _s.PadLeft + (_at % _s.KernelWidth * _s.DilationWidth));

        public readonly Window GetEnumerator() => this;

        public bool MoveNext()
        {
            while (++_at < _s.KernelHeight * _s.KernelWidth)
            {
                var (row, column) = Place;
                if ((uint)row < (uint)_s.Height && (uint)column < (uint)_s.Width)
                    return true;
            }

            return false;
        }
    }
}
