namespace EscNative.Tests.Engine;

public static partial class OperationCases
{
    // n, h, w, in -> out, kernel, stride, padding (pairs: height, width), bias
    private static readonly ConvCase[] ConvCases =
    [
        new(2, 5, 6, 1, 1, (1, 1), (1, 1), (0, 0), false),
        new(1, 6, 7, 3, 5, (1, 1), (2, 2), (0, 0), true),
        new(2, 5, 5, 3, 5, (3, 3), (1, 1), (1, 1), true),
        new(1, 7, 6, 5, 3, (3, 3), (2, 2), (1, 1), false),
        new(1, 8, 8, 1, 3, (3, 3), (2, 2), (0, 0), true),
        new(1, 7, 8, 3, 1, (5, 5), (1, 1), (2, 2), false),
        new(1, 9, 9, 3, 5, (5, 5), (2, 2), (2, 2), true),
        new(1, 9, 8, 1, 3, (7, 7), (1, 1), (3, 3), false),
        new(1, 11, 9, 3, 5, (7, 7), (2, 2), (3, 3), true),
        new(1, 6, 6, 3, 5, (2, 2), (1, 1), (0, 0), false),
        new(2, 7, 5, 3, 5, (2, 2), (2, 2), (1, 1), true),
        new(1, 8, 8, 1, 5, (4, 4), (3, 3), (1, 1), false),
        new(1, 10, 10, 3, 5, (3, 3), (3, 3), (0, 0), true),
        new(1, 8, 7, 5, 3, (3, 3), (3, 3), (2, 2), false),
        new(1, 4, 4, 3, 3, (3, 3), (1, 1), (3, 3), true),
        new(1, 8, 9, 3, 5, (3, 5), (2, 1), (1, 3), true),
        new(1, 5, 9, 5, 3, (1, 7), (1, 1), (0, 3), true),
        new(1, 9, 5, 3, 3, (7, 1), (3, 2), (0, 0), false),
        new(1, 1, 1, 5, 3, (1, 1), (1, 1), (0, 0), true),
        new(1, 1, 1, 3, 5, (3, 3), (1, 1), (1, 1), true),
        new(1, 3, 3, 2, 3, (3, 3), (1, 1), (0, 0), true),
        new(0, 5, 5, 3, 5, (3, 3), (1, 1), (1, 1), true),
        new(1, 4, 4, 5, 48, (1, 1), (1, 1), (0, 0), true),
        new(1, 5, 5, 16, 48, (3, 3), (1, 1), (1, 1), true),
        new(2, 5, 5, 48, 16, (3, 3), (2, 2), (1, 1), false),
        new(1, 6, 6, 16, 16, (5, 5), (1, 1), (2, 2), false),
        new(3, 12, 13, 16, 16, (3, 3), (1, 1), (1, 1), true),
        new(2, 8, 9, 3, 5, (3, 3), (1, 2), (2, 1), true, (2, 3)),
        new(1, 9, 10, 6, 4, (3, 2), (2, 1), (1, 2), true, (2, 1), 2),
        new(2, 6, 7, 9, 6, (1, 3), (1, 1), (0, 1), false, null, 3),
        new(2, 9, 8, 5, 5, (3, 3), (1, 2), (1, 1), true, null, 5),
        new(1, 8, 7, 4, 12, (3, 3), (2, 1), (2, 2), true, (2, 2), 4),
        new(1, 10, 9, 32, 32, (3, 3), (1, 1), (1, 1), false, null, 32),
        new(0, 5, 5, 4, 4, (3, 3), (1, 1), (2, 2), true, (2, 2), 2),
    ];

    private static IEnumerable<OperationCase> Convolutions()
    {
        foreach (var c in ConvCases)
        {
            Input[] inputs = [Input.Of(c.N, c.H, c.W, c.In), Input.Of(c.Out, c.Kernel.H, c.Kernel.W, c.In / c.Groups)];
            yield return new(
                c.Name, c.Bias ? [.. inputs, Input.Of(c.Out)] : inputs, x => x[0].Conv2d(x[1], x.ElementAtOrDefault(2), c.Stride, c.Padding, dilation: c.Dilation, groups: c.Groups),
                x => Conv2d(x[0], x[1], x.ElementAtOrDefault(2), c.Stride, c.Padding, c.Dilation, c.Groups))
            {
                Terms = (c.Kernel.H * c.Kernel.W * c.In) + 1,
                // The data gradient sums over the kernel and the output channels, the weight gradient over the output's pixels.
                GradientTerms = Math.Max(c.Kernel.H * c.Kernel.W * c.Out, c.N * (c.H + (2 * c.Padding.H)) * (c.W + (2 * c.Padding.W))),
            };
        }

        // Winograd's transforms multiply values by up to 8 and subtract them again: ten times the error of a plain sum. Cases of
        // 4x4 tiles, whole and cut, of 2x2 tiles, of strides of 2, and two that stay plain sums.
        foreach (var c in (ConvCase[])
            [
                new(3, 12, 13, 16, 16, (3, 3), (1, 1), (1, 1), true), new(2, 6, 7, 17, 33, (3, 3), (1, 1), (0, 0), false),
                new(1, 9, 9, 16, 20, (3, 3), (1, 1), (2, 2), true), new(5, 2, 2, 16, 16, (3, 3), (1, 1), (1, 1), false),
                new(2, 9, 10, 48, 50, (3, 3), (2, 2), (1, 1), true), new(2, 8, 8, 16, 16, (3, 3), (2, 2), (1, 1), false), new(1, 8, 8, 16, 16, (3, 3), (1, 1), (3, 3), false),
            ])
        {
            Input[] inputs = [Input.Of(c.N, c.H, c.W, c.In), Input.Of(c.Out, c.Kernel.H, c.Kernel.W, c.In)];
            yield return new(
                $"fast {c.Name}", c.Bias ? [.. inputs, Input.Of(c.Out)] : inputs,
                x => x[0].Conv2d(x[1], x.ElementAtOrDefault(2), c.Stride, c.Padding, fast: true),
                x => Conv2d(x[0], x[1], x.ElementAtOrDefault(2), c.Stride, c.Padding))
            {
                Terms = (c.Kernel.H * c.Kernel.W * c.In) + 1,
                GradientTerms = Math.Max(c.Kernel.H * c.Kernel.W * c.Out, c.N * (c.H + (2 * c.Padding.H)) * (c.W + (2 * c.Padding.W))),
                Factor = 40,
                GradientFactor = 80,
            };
        }

        yield return new(
            "conv by the short form", [Input.Of(1, 6, 5, 2), Input.Of(3, 3, 3, 2)], x => x[0].Conv2d(x[1], stride: 2, padding: 1),
            x => Conv2d(x[0], x[1], null, (2, 2), (1, 1)))
        { Terms = 18, GradientTerms = 27 };
    }

    private static IEnumerable<OperationCase> Pooling()
    {
        (int[] Shape, int Kernel, int Stride, int Padding)[] windows =
        [
            ([2, 6, 4, 3], 2, 0, 0), ([1, 7, 8, 3], 3, 2, 1), ([1, 5, 5, 2], 3, 1, 1), ([1, 7, 5, 1], 2, 3, 0), ([1, 9, 9, 17], 4, 2, 2),
            ([1, 1, 1, 3], 1, 1, 0), ([1, 6, 6, 1], 6, 1, 0), ([0, 4, 4, 3], 2, 2, 0), ([2, 16, 17, 16], 3, 2, 1),
        ];
        foreach (var (shape, kernel, stride, padding) in windows)
        {
            var text = $"{Text(shape)} by {kernel}, stride {stride}, padding {padding}";
            var step = stride == 0 ? kernel : stride;
            foreach (var count in (bool[])[true, false])
            {
                yield return new(
                    $"average pool of {text}{(count ? "" : ", padding not counted")}", [Input.Of(shape)],
                    x => x[0].AveragePool2d(kernel, stride, padding, count),
                    x => Pool(x[0], kernel, step, padding, v => v.Sum() / (count ? kernel * kernel : v.Count)))
                {
                    Terms = kernel * kernel,
                    GradientTerms = kernel * kernel,
                };
            }

            // Windows overlap: a pixel can be the largest of many.
            yield return new(
                $"max pool of {text}", [Input.Distinct(shape)], x => x[0].MaxPool2d(kernel, stride, padding),
                x => Pool(x[0], kernel, step, padding, v => v.Max()))
            { GradientTerms = kernel * kernel };
        }

        foreach (var shape in (int[][])[[2, 3, 5, 4], [1, 1, 1, 3], [0, 3, 3, 2], [3, 9, 7, 33]])
        {
            yield return new(
                $"global average pool of {Text(shape)}", [Input.Of(shape)], x => x[0].GlobalAveragePool2d(),
                x => x[0].Reduce([1, 2], false, v => v.Sum() / v.Count))
            { Terms = shape[1] * shape[2] };
        }

        // Windows of equal size, overlapping ones, as many as there are pixels, more, one; more channels than a register has.
        (int[] Shape, int Height, int Width)[] adaptive =
        [
            ([2, 6, 4, 3], 3, 2), ([1, 7, 9, 5], 3, 4), ([1, 5, 4, 2], 5, 4), ([2, 3, 2, 3], 7, 5), ([1, 1, 1, 2], 3, 1), ([1, 5, 6, 33], 1, 4),
            ([2, 4, 5, 3], 1, 1), ([0, 4, 4, 3], 2, 3), ([1, 14, 13, 17], 7, 7),
        ];
        foreach (var (shape, height, width) in adaptive)
        {
            yield return new(
                $"average pool of {Text(shape)} to {height}x{width}", [Input.Of(shape)], x => x[0].AdaptiveAveragePool2d(height, width), x => Adaptive(x[0], height, width))
            { Terms = shape[1] * shape[2], GradientTerms = ((height / shape[1]) + 2) * ((width / shape[2]) + 2) };
        }
    }

    // The rule in fractions: a pixel belongs to window i of n if their intervals [i / n, (i + 1) / n] and [p / m, (p + 1) / m] overlap.
    private static NdArray Adaptive(NdArray x, int height, int width)
    {
        var (h, w) = (x.Shape[1], x.Shape[2]);
        return NdArray.Build([x.Shape[0], height, width, x.Shape[3]], at =>
        {
            var window = new List<double>();
            for (var row = 0; row < h; row++)
            {
                for (var column = 0; column < w; column++)
                {
                    if (Overlap(at[1], height, row, h) && Overlap(at[2], width, column, w))
                        window.Add(x[at[0], row, column, at[3]]);
                }
            }

            return window.Sum() / window.Count;
        });

        static bool Overlap(int window, int windows, int pixel, int pixels) => window * pixels < (pixel + 1) * windows && pixel * windows < (window + 1) * pixels;
    }

    private static IEnumerable<OperationCase> Subsampling()
    {
        (int[] Shape, int Stride, int Before, int After)[] cases =
        [
            ([2, 6, 4, 3], 2, 1, 2), ([1, 7, 5, 4], 2, 2, 2), ([2, 3, 3, 5], 1, 0, 3), ([1, 8, 9, 17], 3, 0, 0), ([1, 1, 1, 2], 2, 1, 1),
            ([0, 4, 4, 3], 2, 1, 1), ([1, 3, 4, 2], 5, 1, 0), ([3, 5, 5, 1], 1, 0, 0),
        ];
        foreach (var (shape, stride, before, after) in cases)
        {
            yield return new(
                $"subsample of {Text(shape)} by {stride}, {before} channels before and {after} after", [Input.Of(shape)], x => x[0].Subsample(stride, before, after),
                x => NdArray.Build(
                    [shape[0], (shape[1] + stride - 1) / stride, (shape[2] + stride - 1) / stride, before + shape[3] + after],
                    at => at[3] < before || at[3] >= before + shape[3] ? 0 : x[0][at[0], at[1] * stride, at[2] * stride, at[3] - before]));
        }
    }

    private static NdArray Conv2d(
        NdArray x, NdArray weight, NdArray? bias, (int H, int W) stride, (int H, int W) padding, (int H, int W)? dilation = null, int groups = 1)
    {
        var (n, h, w, c) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        var (o, kh, kw) = (weight.Shape[0], weight.Shape[1], weight.Shape[2]);
        var (dh, dw) = dilation ?? (1, 1);
        var (oh, ow) = (((h + (2 * padding.H) - (dh * (kh - 1)) - 1) / stride.H) + 1, ((w + (2 * padding.W) - (dw * (kw - 1)) - 1) / stride.W) + 1);
        var own = c / groups;
        return NdArray.Build([n, oh, ow, o], at =>
        {
            var sum = bias is null ? 0 : bias.Values[at[3]];
            for (var i = 0; i < kh; i++)
            {
                for (var j = 0; j < kw; j++)
                {
                    var (row, column) = ((at[1] * stride.H) + (i * dh) - padding.H, (at[2] * stride.W) + (j * dw) - padding.W);
                    if (row < 0 || row >= h || column < 0 || column >= w)
                        continue;
                    var pixel = (((((at[0] * h) + row) * w) + column) * c) + (at[3] / (o / groups) * own);
                    var filter = ((((at[3] * kh) + i) * kw) + j) * own;
                    for (var k = 0; k < own; k++)
                        sum += x.Values[pixel + k] * weight.Values[filter + k];
                }
            }

            return sum;
        });
    }

    /// <summary>A fold of the pixels of each window that lie in the image.</summary>
    private static NdArray Pool(NdArray x, int kernel, int stride, int padding, Func<List<double>, double> fold)
    {
        var (h, w) = (x.Shape[1], x.Shape[2]);
        var (oh, ow) = (((h + (2 * padding) - kernel) / stride) + 1, ((w + (2 * padding) - kernel) / stride) + 1);
        return NdArray.Build([x.Shape[0], oh, ow, x.Shape[3]], at =>
        {
            var window = new List<double>();
            for (var i = 0; i < kernel; i++)
            {
                for (var j = 0; j < kernel; j++)
                {
                    var (row, column) = ((at[1] * stride) + i - padding, (at[2] * stride) + j - padding);
                    if (row >= 0 && row < h && column >= 0 && column < w)
                        window.Add(x[at[0], row, column, at[3]]);
                }
            }

            return fold(window);
        });
    }

    private sealed record ConvCase(
        int N, int H, int W, int In, int Out, (int H, int W) Kernel, (int H, int W) Stride, (int H, int W) Padding, bool Bias,
        (int H, int W)? Dilation = null, int Groups = 1)
    {
        public string Name =>
            $"conv of [{N}, {H}, {W}, {In}] to {Out} by {Kernel.H}x{Kernel.W}, stride {Stride.H}x{Stride.W}, padding {Padding.H}x{Padding.W}{(Bias ? ", bias" : "")}"
            + (Dilation is { } d ? $", dilation {d.H}x{d.W}" : "") + (Groups > 1 ? $", groups {Groups}" : "");
    }
}
