using EscNative.Kernels;
using EscNative.Unlearning.Features;

namespace EscNative.Tests.Unlearning.Features;

/// <summary>The closed forms of section 9 of the specification against their oracles (section 11, item 12), on random correlated rows.</summary>
public sealed class SolverTests
{
    private const double Guarantee = 1e-6;

    public static TheoryData<int, int, int, bool> Shapes => new()
    {
        { 211, 17, 1, false },
        { 211, 17, 2, false },
        { 150, 23, 3, true },
        // More features than rows.
        { 13, 29, 2, false },
        { 90, 4, 1, false },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Leace_leaves_no_covariance_with_the_concept(int n, int d, int forgotten, bool dead)
    {
        foreach (var shrink in new[] { false, true })
        {
            foreach (var perClass in new[] { false, true })
            {
                var rows = RandomRows.Draw((ulong)(n + d), n, d, dead: dead);
                var columns = new ConceptColumns(perClass ? [.. Enumerable.Range(0, forgotten)] : [], []);
                var change = LeaceSolver.Solve(rows.Gather(columns, forgotten), new(Shrink: shrink), []);
                Assert.InRange(change.Rank, 1, columns.Count);
                var erased = rows.Apply(change);
                for (var c = 0; c < columns.Count; c++)
                    AssertZero(rows.CovarianceWith(erased, l => perClass ? l == c : l < forgotten), Guarantee);
                AssertMeanStays(rows, erased);
            }
        }
    }

    [Fact]
    public void Leace_is_the_least_squares_change_for_one_concept()
    {
        // With one concept Q is a vector, and r(x) = x - s sᵀ S⁻¹ (x - m) / (sᵀ S⁻¹ s), s = Cov(x, z): S y = s by elimination.
        const int n = 300, d = 7;
        var rows = RandomRows.Draw(21, n, d);
        var statistics = rows.Gather(new ConceptColumns([], []), 1);
        var change = LeaceSolver.Solve(statistics, new(Shrink: false), []);
        var s = statistics.CrossCovariance();
        var y = Solve(statistics.Covariance(), s);
        var norm = Enumerable.Range(0, d).Sum(i => s[i] * y[i]);
        var erased = rows.Apply(change);
        for (var i = 0; i < n; i++)
        {
            var along = Enumerable.Range(0, d).Sum(j => y[j] * (rows.Values[(i * d) + j] - statistics.Mean[j])) / norm;
            for (var j = 0; j < d; j++)
                Assert.Equal(rows.Values[(i * d) + j] - (s[j] * along), erased[(i * d) + j], 9);
        }
    }

    [Fact]
    public void Leace_without_whitening_is_an_orthogonal_projection()
    {
        var rows = RandomRows.Draw(4, 120, 9);
        var change = LeaceSolver.Solve(rows.Gather(new ConceptColumns([0, 1], []), 2), new(Tolerance: 1e-6, Whiten: false), []);
        Assert.Equal(change.Left, change.Right);
        Assert.Equal(2, change.Rank);
        AssertZero(rows.CovarianceWith(rows.Apply(change), l => l == 1), Guarantee);
    }

    [Fact]
    public void Leace_says_when_a_concept_is_too_weak_for_its_tolerance()
    {
        var rows = RandomRows.Draw(4, 120, 9);
        var notes = new List<string>();
        var change = LeaceSolver.Solve(rows.Gather(new ConceptColumns([], []), 1), new(Tolerance: 10), notes);
        Assert.Equal(0, change.Rank);
        Assert.Contains(notes, note => note.Contains("below the tolerance", StringComparison.Ordinal));
        Assert.Equal(Array.ConvertAll(rows.Values, v => (double)v), rows.Apply(change));
    }

    [Fact]
    public void The_trace_constraint_mixes_until_the_variance_is_what_it_was()
    {
        // A steep oblique projection in the plane: x -> x - 3 e1 (e1 + e2)ᵀ x.
        double[] left = [1, 0], right = [1, 3], q = [1, 0], covariance = [1, 0, 0, 1];
        var notes = new List<string>();
        var (l, r) = LeaceSolver.Constrain(2, left, right, q, covariance, notes);
        var p = new double[4];
        for (var i = 0; i < 4; i++)
            p[i] = (i % 3 == 0 ? 1 : 0) - Enumerable.Range(0, 2).Sum(k => l[(i / 2 * 2) + k] * r[(i % 2 * 2) + k]);
        Assert.Equal(2, p.Sum(v => v * v), 10);
        Assert.Single(notes);
        // Without need it keeps its hands off.
        Assert.Same(q, LeaceSolver.Constrain(2, q, q, q, covariance, notes).Left);
        Assert.Single(notes);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Splince_leaves_no_covariance_with_the_concept_and_all_of_it_with_the_task(int n, int d, int forgotten, bool dead)
    {
        var rows = RandomRows.Draw((ulong)(2 * n + d), n, d, dead: dead);
        var before = Array.ConvertAll(rows.Values, v => (double)v);
        var kept = Enumerable.Range(forgotten, rows.Classes - forgotten - 1).ToArray();
        foreach (var perClass in new[] { false, true })
        {
            var columns = new ConceptColumns(perClass ? [.. Enumerable.Range(0, forgotten)] : [], kept);
            // In the plane of four features five classes' covariances fill the space: no concept lies outside of the task's.
            if (columns.Count > d)
                continue;
            var notes = new List<string>();
            var change = SplinceSolver.Solve(rows.Gather(columns, forgotten), columns.Erased, 1e-9, notes);
            Assert.Equal(columns.Erased, change.Rank);
            Assert.Empty(notes);
            var erased = rows.Apply(change);
            for (var c = 0; c < columns.Erased; c++)
                AssertZero(rows.CovarianceWith(erased, l => perClass ? l == c : l < forgotten), Guarantee);
            foreach (var c in kept)
                AssertEqual(rows.CovarianceWith(before, l => l == c), rows.CovarianceWith(erased, l => l == c), Guarantee);
            AssertMeanStays(rows, erased);
        }
    }

    [Fact]
    public void Splince_leaves_a_concept_that_lies_within_the_task()
    {
        // The task holds the concept itself, so nothing of it may go.
        var rows = RandomRows.Draw(8, 100, 6, classes: 3);
        var notes = new List<string>();
        var change = SplinceSolver.Solve(rows.Gather(new ConceptColumns([0], [0, 1]), 1), 1, 1e-3, notes);
        Assert.Equal(0, change.Rank);
        Assert.Contains(notes, note => note.Contains("stay", StringComparison.Ordinal));
    }

    [Fact]
    public void Splince_on_constant_features_erases_nothing()
    {
        var statistics = new CovarianceAccumulator(3, 2);
        statistics.Add([1, 2, 3, 1, 2, 3, 1, 2, 3], [1, 0, 0, 1, 0, 0]);
        var notes = new List<string>();
        Assert.Equal(0, SplinceSolver.Solve(statistics, 1, 1e-3, notes).Rank);
        Assert.Single(notes);
    }

    [Theory]
    [InlineData(17, 5, 2)]
    [InlineData(5, 5, 1)]
    [InlineData(31, 3, 2)]
    public void Prototypes_are_told_apart_erased_and_remapped_exactly(int d, int classes, int forgotten)
    {
        var rows = RandomRows.Draw((ulong)d, 90, d, classes);
        var prototypes = new Prototypes(d, classes + 1);
        prototypes.Add(rows.Values, rows.Labels);
        Assert.Equal(Enumerable.Range(0, classes), prototypes.Classes);
        var p = prototypes.Matrix();
        var notes = new List<string>();
        var inverse = Prototypes.Inverse(p, d, 1e-9, 0, notes);
        Assert.Empty(notes);
        var identity = MatrixMath.Multiply(classes, classes, d, inverse, p);
        for (var i = 0; i < identity.Length; i++)
            Assert.Equal(i % (classes + 1) == 0 ? 1 : 0, identity[i], 8);

        int[] erased = [.. Enumerable.Range(0, forgotten)];
        var targets = erased.Select(f => new[] { classes - 1 }).ToArray();
        var erase = Prototypes.Change(p, inverse, d, erased, [.. erased.Select(_ => Array.Empty<int>())]);
        var remap = Prototypes.Change(p, inverse, d, erased, targets);
        for (var c = 0; c < classes; c++)
        {
            var column = Enumerable.Range(0, d).Select(i => p[(i * classes) + c]).ToArray();
            var target = Enumerable.Range(0, d).Select(i => p[(i * classes) + (c < forgotten ? classes - 1 : c)]).ToArray();
            AssertEqual(c < forgotten ? new double[d] : column, Map(erase, column), 1e-8);
            AssertEqual(target, Map(remap, column), 1e-8);
        }
    }

    [Fact]
    public void Nearly_collinear_prototypes_do_not_blow_up()
    {
        const int d = 6;
        double[] p = [1, 1, 0, 2, 2 + 1e-9, 1, 0, 0, 3, 1, 1, 1, 0, 0, 0, 5, 5, 1];
        var notes = new List<string>();
        Assert.InRange(Prototypes.Inverse(p, d, 1e-3, 0, notes).Max(Math.Abs), 0, 10);
        Assert.Single(notes);
        Assert.InRange(Prototypes.Inverse(p, d, 0, 0, []).Max(Math.Abs), 1e6, double.MaxValue);
        // The ridge bounds it without dropping anything.
        notes.Clear();
        Assert.InRange(Prototypes.Inverse(p, d, 0, 1e-3, notes).Max(Math.Abs), 0, 10);
        Assert.Empty(notes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Null_space_projection_ends_at_chance_with_an_orthonormal_basis(int forgotten)
    {
        const int d = 12;
        var rows = RandomRows.Draw(31, 400, d, classes: 4);
        var labels = rows.Labels.Select(l => l < forgotten ? l + 1 : 0).ToArray();
        var projection = new NullSpaceProjection(rows.Values, d, labels, forgotten + 1);
        projection.Run(35, 1e-4, 0.02, null, default);
        var k = projection.Basis.Length / d;
        Assert.InRange(k, forgotten, d - 1);
        Assert.True(projection.Accuracy <= (1.0 / (forgotten + 1)) + 0.02 || k == d - 1, $"accuracy {projection.Accuracy} after {k} directions");
        for (var a = 0; a < k; a++)
        {
            for (var b = 0; b < k; b++)
                Assert.Equal(a == b ? 1 : 0, Enumerable.Range(0, d).Sum(i => projection.Basis[(i * k) + a] * projection.Basis[(i * k) + b]), 10);
        }
    }

    [Fact]
    public void Null_space_projection_finds_the_one_direction_that_tells_the_sides_apart()
    {
        const int d = 5, n = 600;
        var random = new RandomSource(17, 3);
        var (values, labels) = (new float[n * d], new int[n]);
        random.FillNormal(values);
        for (var i = 0; i < n; i++)
        {
            labels[i] = i % 2;
            values[(i * d) + 2] += 8 * labels[i];
        }

        var projection = new NullSpaceProjection(values, d, labels, 2);
        projection.Run(1, 1e-4, 0, null, default);
        Assert.Equal(1, projection.Basis.Length / d);
        Assert.InRange(Math.Abs(projection.Basis[2]), 0.95, 1);
        Assert.Equal(1, projection.Accuracy, 2);
    }

    private static double[] Map(FeatureChange change, double[] row)
    {
        var result = (double[])row.Clone();
        new EscNative.Models.Erasure.ErasureOperator(row.Length, change.ToFactor(new Dictionary<string, string>())).Apply(result);
        return result;
    }

    private static void AssertMeanStays(RandomRows rows, double[] erased)
    {
        for (var j = 0; j < rows.Width; j++)
            Assert.Equal(Enumerable.Range(0, rows.Count).Average(i => (double)rows.Values[(i * rows.Width) + j]), Enumerable.Range(0, rows.Count).Average(i => erased[(i * rows.Width) + j]), 8);
    }

    private static void AssertZero(double[] values, double tolerance) => Assert.All(values, v => Assert.InRange(v, -tolerance, tolerance));

    private static void AssertEqual(double[] expected, double[] actual, double tolerance) =>
        AssertZero([.. expected.Zip(actual, (a, b) => a - b)], tolerance);

    // Gaussian elimination with row exchanges.
    private static double[] Solve(double[] matrix, double[] right)
    {
        var n = right.Length;
        var (a, x) = ((double[])matrix.Clone(), (double[])right.Clone());
        for (var k = 0; k < n; k++)
        {
            var pivot = Enumerable.Range(k, n - k).MaxBy(i => Math.Abs(a[(i * n) + k]));
            for (var j = 0; j < n; j++)
                (a[(k * n) + j], a[(pivot * n) + j]) = (a[(pivot * n) + j], a[(k * n) + j]);
            (x[k], x[pivot]) = (x[pivot], x[k]);
            for (var i = 0; i < n; i++)
            {
                if (i == k)
                    continue;
                var factor = a[(i * n) + k] / a[(k * n) + k];
                for (var j = k; j < n; j++)
                    a[(i * n) + j] -= factor * a[(k * n) + j];
                x[i] -= factor * x[k];
            }
        }

        return [.. x.Select((v, i) => v / a[(i * n) + i])];
    }
}
