using EscNative.Tests.LinearAlgebra;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Subspaces;

public sealed class ClassSubspacesTests
{
    private const int D = 11;
    private const int N = 2700;
    private readonly float[] _rows;
    private readonly int[] _labels;
    private readonly ClassSubspaces _classes = new(D);

    public ClassSubspacesTests()
    {
        var random = new Random();
        _rows = Features.Uniform(N, D, random);
        _labels = [.. Enumerable.Range(0, N).Select(_ => 3 * random.Next(4))];
        for (var at = 0; at < N; at += 90)
            _classes.Add(_rows.AsSpan(at * D, 90 * D), _labels.AsSpan(at, 90));
    }

    [Fact]
    public void Each_class_has_its_own_rows()
    {
        Assert.Equal([0, 3, 6, 9], _classes.Classes);
        foreach (var label in _classes.Classes)
        {
            var own = RowsOf(label);
            var alone = new SubspaceAccumulator(D);
            alone.Add(own, own.Length / D);
            Assert.Equal(alone.Gram(), _classes[label].Gram());
            Assert.Equal(alone.Count, _classes[label].Count);
        }
    }

    [Fact]
    public void A_union_is_the_rows_together_in_any_order_of_naming()
    {
        var union = _classes.Union([9, 3, 9]);
        Assert.Equal(union.Gram(), _classes.Union([3, 9]).Gram());
        float[] together = [.. RowsOf(3), .. RowsOf(9)];
        Assert.Equal(together.Length / D, union.Count);
        Assert.True(Matrices.Distance(Features.Gram(together, together.Length / D, D), union.Gram()) <= 1e-11);
    }

    [Fact]
    public void A_deleted_class_is_zeroed_and_gone()
    {
        var held = _classes[6];
        _classes.Delete(6);
        Assert.Equal(0, held.Count);
        Assert.Equal(new double[D * D], held.Gram());
        Assert.Equal([0, 3, 9], _classes.Classes);
        Assert.Contains("0, 3, 9", Assert.Throws<UsageException>(() => _classes.Union([3, 6])).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => _classes.Delete(6));
    }

    [Fact]
    public void Wrong_requests_and_features_are_errors_that_change_nothing()
    {
        Assert.Throws<UsageException>(() => _classes.Union([]));
        Assert.Throws<UsageException>(() => _classes.Add(new float[D], [-1]));
        Assert.Throws<UsageException>(() => _classes.Add(new float[D + 1], [1]));
        var bad = new float[2 * D];
        bad[D + 4] = float.NaN;
        var e = Assert.Throws<EscException>(() => _classes.Add(bad, [0, 77]));
        Assert.Equal(ErrorCode.BadInput, e.Code);
        Assert.Equal([0, 3, 6, 9], _classes.Classes);
        Assert.Equal(N, _classes.Classes.Sum(label => _classes[label].Count));
    }

    private float[] RowsOf(int label) =>
        [.. Enumerable.Range(0, N).Where(i => _labels[i] == label).SelectMany(i => _rows[(i * D)..((i + 1) * D)])];
}
