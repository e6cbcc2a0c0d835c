using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Oracles;

/// <summary>Erasure requests one after another on the real CIFAR-10 (oracle 4).</summary>
public sealed class IncrementalRequestTests
{
    [Fact]
    public void Five_requests_in_a_row_equal_the_joint_projector()
    {
        const int d = 96;
        int[] directions = [1, 2, 1, 3, 1];
        using var model = OracleRun.Model();
        var data = DataFolder.Open(TestData.Cifar10Folder);
        for (var request = 0; request < directions.Length; request++)
        {
            var forget = ForgetSplit.Create(data, ForgetRequest.ForClasses(2 * request)).Forget;
            var some = forget.Subset([.. Enumerable.Range(0, 600)], "some");
            new Esc().Run(new UnlearningContext(model, some, new UnlearningOptions { Directions = directions[request] }));
        }

        var k = directions.Sum();
        var joint = new double[d * k];
        var first = 0;
        foreach (var factor in model.Erasure!.Factors)
        {
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < factor.Rank; j++)
                    joint[(i * k) + first + j] = factor.Left[(i * factor.Rank) + j];
            }

            first += factor.Rank;
        }

        Assert.Equal(k, first);
        var p = model.Erasure.ToDense();
        var expected = new ErasureOperator(d, ErasureFactor.Projection(joint, d)).ToDense();
        Assert.InRange(OracleRun.SpectralDistance(p, expected, d), 0, 1e-12);
        Assert.Equal(d - k, Enumerable.Range(0, d).Sum(i => p[(i * d) + i]), 10);
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < d; j++)
            {
                Assert.Equal(p[(i * d) + j], p[(j * d) + i], 12);
                Assert.Equal(p[(i * d) + j], Enumerable.Range(0, d).Sum(m => p[(i * d) + m] * p[(m * d) + j]), 11);
            }
        }
    }
}
