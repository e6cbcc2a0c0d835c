using EscNative.Tests.LinearAlgebra;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Subspaces;

/// <summary>Requests that arrive one after another (methods, section 2, and section 11, oracle 4).</summary>
public sealed class BasisTests
{
    private const int D = 40;
    private static readonly int Seed = Random.Shared.Next();
    private readonly Random _random = new(Seed);

    [Fact]
    public void Incremental_projectors_multiply_to_the_joint_one()
    {
        const int n = 300, k1 = 3, k2 = 2, k3 = 4;
        var solver = new GramEigenSolver();
        var u = Array.Empty<double>();
        var product = Matrices.Identity(D);
        foreach (var k in (int[])[k1, k2, k3])
        {
            // Features of the next request, already projected by what was erased before.
            var rows = Features.Project(Features.Decaying(n, D, _random), product, n, D);
            var next = solver.Solve(new SubspaceProblem(rows, n, D), k).Basis;
            product = Matrices.Multiply(Matrices.Complement(next, D, k), product, D, D, D);
            u = Basis.Append(u, next, D, out var appended);
            Assert.Equal(k, appended);
        }

        var total = k1 + k2 + k3;
        Assert.Equal(D * total, u.Length);
        Assert.InRange(Basis.OrthogonalityError(u, D, total), 0, 1e-14);
        var p = Matrices.Complement(u, D, total);
        Assert.Equal(D - total, Matrices.Trace(p, D), 1e-12);
        Assert.True(Matrices.Distance(p, Matrices.Multiply(p, p, D, D, D)) <= 1e-13);
        // The product differs by the float32 rounding of the projected features alone.
        Assert.True(Matrices.Distance(p, product) <= 1e-5, $"seed {Seed}");
    }

    [Fact]
    public void Earlier_directions_stay_to_the_bit()
    {
        var first = Matrices.Orthonormal(D, 5, _random);
        var both = Basis.Append(first, Matrices.Orthonormal(D, 3, _random), D, out var appended);
        Assert.Equal(3, appended);
        for (var i = 0; i < D; i++)
            Assert.Equal(first.AsSpan(i * 5, 5).ToArray(), both.AsSpan(i * 8, 5).ToArray());
    }

    [Fact]
    public void The_joint_span_holds_both_and_drops_what_is_inside_already()
    {
        var q = Matrices.Orthonormal(D, 6, _random);
        var old = Columns(q, 6, [0, 1, 2, 3]);
        var added = Columns(q, 6, [2, 4, 1, 5]);
        var joint = Basis.Append(old, added, D, out var appended);
        Assert.Equal(2, appended);
        Assert.True(Matrices.Distance(Matrices.Projector(q, D, 6, 6), Matrices.Projector(joint, D, 6, 6)) <= 1e-13, $"seed {Seed}");

        Assert.Equal(old, Basis.Append(old, Columns(q, 6, [3, 0]), D, out appended));
        Assert.Equal(0, appended);
    }

    [Fact]
    public void Empty_sides_work()
    {
        var u = Matrices.Orthonormal(D, 2, _random);
        Assert.Equal(u, Basis.Append(u, [], D, out var appended));
        Assert.Equal(0, appended);
        Assert.Empty(Basis.Append([], [], D, out _));
        Assert.Equal(0, Basis.OrthogonalityError([], D, 0));
        var alone = Basis.Append([], u, D, out appended);
        Assert.Equal(2, appended);
        Assert.True(Matrices.Distance(Matrices.Projector(u, D, 2, 2), Matrices.Projector(alone, D, 2, 2)) <= 1e-14);
    }

    [Fact]
    public void Lengths_that_are_no_columns_are_usage_errors() =>
        Assert.Throws<UsageException>(() => Basis.Append(new double[D + 1], [], D, out _));

    private static double[] Columns(double[] q, int columns, int[] chosen)
    {
        var result = new double[D * chosen.Length];
        for (var i = 0; i < D; i++)
        {
            for (var j = 0; j < chosen.Length; j++)
                result[i * chosen.Length + j] = q[i * columns + chosen[j]];
        }

        return result;
    }
}
