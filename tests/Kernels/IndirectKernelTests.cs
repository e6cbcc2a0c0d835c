using System.Numerics;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Kernels;

/// <summary>Every indirect micro-kernel of this processor, against the definition of <see cref="IndirectPanel{T}"/>.</summary>
public sealed class IndirectKernelTests
{
    private const int Depth = 37;

    [Fact]
    public void Tiles_of_any_number_of_rows_equal_the_definition_float() => Check<float>(1e-5);

    [Fact]
    public void Tiles_of_any_number_of_rows_equal_the_definition_double() => Check<double>(1e-13);

    [Fact]
    public void The_kernel_for_a_number_of_rows_computes_at_most_twice_as_many()
    {
        var set = GemmKernelSet.Of<float>();
        for (var vectors = 1; vectors <= set.WidestTile; vectors++)
        {
            for (var rows = 1; rows <= set.IndirectRows(vectors); rows++)
                Assert.InRange(Tile(set, vectors, rows), rows, 2 * rows - 1);
        }
    }

    private static unsafe int Tile<T>(GemmKernelSet<T> set, int vectors, int rows)
        where T : unmanaged
    {
        _ = set.Indirect(vectors, rows, out var tileRows);
        return tileRows;
    }

    private static unsafe void Check<T>(double tolerance)
        where T : unmanaged, INumberBase<T>, IComparisonOperators<T, T, bool>
    {
        var values = new Values();
        var set = GemmKernelSet.Of<T>();
        var kernels = 0;
        for (var vectors = 1; vectors <= set.WidestTile; vectors++)
        {
            var columns = vectors * set.Lanes;
            var most = set.IndirectRows(vectors);
            for (var rows = 1; rows <= most; rows++)
            {
                for (var options = 0; options < 8; options++)
                {
                    var (given, started, relu) = ((options & 1) != 0, (options & 2) != 0, (options & 4) != 0);
                    var a = Numbers<T>(values, 400);
                    var b = Numbers<T>(values, Depth * columns);
                    var bias = Numbers<T>(values, columns);
                    var start = Numbers<T>(values, most * columns);
                    var c = Numbers<T>(values, 2 * most * columns);
                    var untouched = (T[])c.Clone();
                    var taps = values.Ints(Depth, 200);
                    var pixels = values.Ints(most, 200);
                    // Rows leave a gap after them, and begin at those of another order.
                    var outs = Enumerable.Range(0, most).Select(r => 2 * r * columns).ToArray();
                    var starts = Enumerable.Range(0, most).Select(r => (most - 1 - r) * columns).ToArray();
                    var kernel = set.Indirect(vectors, rows, out var tileRows);
                    fixed (T* pa = a, pb = b, pc = c, pBias = bias, pStart = start)
                    fixed (int* pTaps = taps, pPixels = pixels, pOuts = outs, pStarts = starts)
                    {
                        var panel = new IndirectPanel<T>
                        {
                            Depth = Depth,
                            A = pa,
                            Columns = pTaps,
                            B = pb,
                            StrideB = columns,
                            C = pc,
                            Start = started ? pStart : null,
                            Bias = given ? pBias : null,
                            Relu = relu,
                            Ahead = pb,
                        };
                        kernel(&panel, pPixels, pOuts, pStarts);
                    }

                    kernels++;
                    for (var i = 0; i < c.Length; i++)
                    {
                        var (row, column) = (i / (2 * columns), i % (2 * columns));
                        if (row >= tileRows || column >= columns)
                        {
                            Assert.True(c[i] == untouched[i], $"{vectors} vectors, {rows} rows: wrote at {row}, {column}");
                            continue;
                        }

                        var wanted = (given ? double.CreateChecked(bias[column]) : 0) + (started ? double.CreateChecked(start[starts[row] + column]) : 0);
                        for (var p = 0; p < Depth; p++)
                            wanted += double.CreateChecked(a[pixels[row] + taps[p]]) * double.CreateChecked(b[p * columns + column]);
                        if (relu)
                            wanted = Math.Max(wanted, 0);
                        var got = double.CreateChecked(c[i]);
                        Assert.True(
                            Math.Abs(got - wanted) <= tolerance * (1 + Depth),
                            $"{vectors} vectors, {rows} rows, options {options}, at {row}, {column}: got {got}, wanted {wanted} (seed {values.Seed})");
                    }
                }
            }
        }

        Assert.True(kernels >= 8 * (8 + 6 + 4), $"only {kernels} kernels ran");
    }

    private static T[] Numbers<T>(Values values, int count)
        where T : INumberBase<T> => Array.ConvertAll(values.Floats(count), T.CreateChecked);
}
