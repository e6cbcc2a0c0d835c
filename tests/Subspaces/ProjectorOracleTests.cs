using System.Text.Json;
using EscNative.Engine.Formats;
using EscNative.Tests.LinearAlgebra;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Tests.Subspaces;

/// <summary>Features of a trained All-CNN on the real CIFAR-10 and the projectors that PyTorch made of them.</summary>
public sealed class ProjectorOracleTests
{
    private const int N = 5000;
    private const int D = 96;

    public static TheoryData<string, int> Cases
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var solver in (string[])["gram-eigen", "subspace-iteration", "svd", "auto"])
            {
                foreach (var k in (int[])[1, 2, 4, 9, 48])
                    data.Add(solver, k);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Equals_the_projector_of_PyTorch(string solver, int k)
    {
        var result = Solve(solver, k);
        var wanted = Matrices.Projector(Npy.Read(TestData.Oracle("U_eval.npy")).ToFloat64(), D, D, k);
        var got = Matrices.Projector(result.Basis, D, k, k);
        // The oracle is an eigendecomposition of the Gram matrix in float64: it is itself known to 2^-52 s_1² / gap.
        var s = Solve("svd", k).SingularValues;
        var tolerance = 10 * D * Matrices.Epsilon * s[0] * s[0] / (s[k - 1] * s[k - 1] - s[k] * s[k]);
        Assert.True(tolerance <= 1e-5, $"k = {k}: the oracle says too little, {tolerance}");
        var distance = Matrices.Distance(wanted, got);
        Assert.True(distance <= tolerance, $"{solver}, k = {k}: {distance}, wants {tolerance}");
        Assert.InRange(result.Orthogonality, 0, 1e-13);
        Assert.InRange(result.Residual, 0, 1e-13);
    }

    [Theory]
    [InlineData("gram-eigen")]
    [InlineData("subspace-iteration")]
    [InlineData("svd")]
    [InlineData("auto")]
    public void Equals_the_projector_of_the_papers_percentage(string solver)
    {
        var k = DirectionCount.FromPercent(D, 1.5);
        Assert.Equal(1, k);
        var got = Matrices.Complement(Solve(solver, k).Basis, D, k);
        var distance = Matrices.Distance(Npy.Read(TestData.Oracle("paper_k1_projector.npy")).ToFloat64(), got);
        Assert.True(distance <= 1e-12, $"{solver}: {distance}");
    }

    [Theory]
    [InlineData("gram-eigen")]
    [InlineData("svd")]
    public void Has_the_singular_values_of_PyTorch(string solver)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(TestData.Oracle("results.json")));
        var wanted = json.RootElement.GetProperty("singular_values_top16").EnumerateArray().Select(v => v.GetDouble()).ToArray();
        var got = Solve(solver, 1).SingularValues;
        Assert.Equal(16, wanted.Length);
        // Through the Gram matrix a value is known to 2^-52 s_1² / (2 s): 1e-12 for the sixteenth.
        for (var j = 0; j < wanted.Length; j++)
            Assert.Equal(wanted[j], got[j], 1e-10);
    }

    private static SubspaceResult Solve(string name, int k)
    {
        var features = Npy.Read(TestData.Oracle("features_forget_eval.npy"));
        Assert.Equal([N, D], features.Shape.ToArray());
        return Solvers.Create(name).Solve(new SubspaceProblem(features.ToFloat32(), N, D), k);
    }
}
