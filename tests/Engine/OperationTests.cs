using System.Runtime.InteropServices;
using EscNative.Engine;
using EscNative.Tests.Kernels;

namespace EscNative.Tests.Engine;

/// <summary>Every operation against its oracle: forward, gradients, what is recorded, what is left behind, bits.</summary>
public sealed class OperationTests
{
    private static readonly DType[] Types = [DType.F32, DType.F64];

    public static TheoryData<string, Layout, DType, string> ForwardRows() => Rows(_ => true);

    public static TheoryData<string, Layout, DType, string> GradientRows() =>
        Rows(c => c.Inputs.Any(i => i.IsDifferentiable));

    public static TheoryData<string, string> Cases() => ByName(_ => true);

    public static TheoryData<string, string> CasesOfSeveralOperands() =>
        ByName(c => c.Inputs.Count(i => i.IsDifferentiable) > 1);

    // Smaller ones are never cut into tiles.
    public static TheoryData<string, string> LargeCases() =>
        ByName(c => c.Inputs.Sum(i => NdArray.Product(i.Shape)) > 2000);

    [Theory]
    [MemberData(nameof(ForwardRows))]
    public void Result_equals_the_oracle(string name, Layout layout, DType type, string device)
    {
        using var operation = new Operation(name, layout, type, device);
        var before = TestDevices.Current.Memory;
        // No scope here: what an operation makes on its way it must dispose of by itself.
        using (var y = operation.Run())
        {
            var tolerance = operation.Tolerance(operation.Case.Factor, operation.Case.Terms, operation.Prepared.Wanted.Largest());
            Close.AssertEqual(operation.Prepared.Wanted, y.ToNdArray(), tolerance, operation.Context);
        }

        // Nor may a graph that nobody ran backward hold anything.
        Assert.Equal(before.LiveTensors, TestDevices.Current.Memory.LiveTensors);
        Assert.Equal(before.Live, TestDevices.Current.Memory.Live);
    }

    [Theory]
    [MemberData(nameof(GradientRows))]
    public void Gradients_equal_central_differences_of_the_oracle(string name, Layout layout, DType type, string device)
    {
        using var operation = new Operation(name, layout, type, device);
        using var gradients = operation.Backward();
        var count = 0;
        for (var i = 0; i < operation.Leaves.Length; i++)
        {
            if (!operation.Case.Inputs[i].IsDifferentiable)
                continue;
            operation.AssertGradient(i, gradients);
            count++;
        }

        Assert.Equal(count, gradients.Count);
    }

    [Theory]
    [MemberData(nameof(CasesOfSeveralOperands))]
    public void Each_operand_alone_gets_its_gradient(string name, string device)
    {
        var inputs = OperationCases.Get(name).Inputs;
        for (var i = 0; i < inputs.Length; i++)
        {
            if (!inputs[i].IsDifferentiable)
                continue;
            using var operation = new Operation(name, Layout.Contiguous, DType.F64, device, only: i);
            using var gradients = operation.Backward();
            operation.AssertGradient(i, gradients);
            Assert.Equal(1, gradients.Count);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Nothing_is_recorded_where_no_gradient_is_wanted(string name, string device)
    {
        using (var constant = new Operation(name, Layout.Contiguous, DType.F32, device, only: -1))
        using (var y = constant.Run())
            Assert.False(y.RequiresGradient);

        using var operation = new Operation(name, Layout.Contiguous, DType.F32, device);
        using (Tensor.NoGrad())
        {
            using var y = operation.Run();
            Assert.False(y.RequiresGradient);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_disposed_operand_is_refused(string name, string device)
    {
        for (var i = 0; i < OperationCases.Get(name).Inputs.Length; i++)
        {
            using var operation = new Operation(name, Layout.Contiguous, DType.F32, device);
            operation.Leaves[i].Dispose();
            var before = TestDevices.Current.Memory;
            var error = Assert.Throws<ObjectDisposedException>(() => operation.Run().Dispose());
            Assert.Contains("disposed", error.Message, StringComparison.Ordinal);
            Assert.Equal(before.LiveTensors, TestDevices.Current.Memory.LiveTensors);
            Assert.Equal(before.Live, TestDevices.Current.Memory.Live);
        }
    }

    [Theory]
    [MemberData(nameof(LargeCases))]
    public void Bits_are_equal_for_any_number_of_threads_and_for_two_runs(string name, string device) => Threads.AssertSameBits(() =>
    {
        using var operation = new Operation(name, Layout.Contiguous, DType.F32, device);
        var bits = new List<byte>();
        using (var y = operation.Run())
            Append(y);
        if (operation.Case.Inputs.Any(i => i.IsDifferentiable))
        {
            using var gradients = operation.Backward();
            for (var i = 0; i < operation.Leaves.Length; i++)
            {
                if (gradients.TryGet(operation.Leaves[i], out var gradient))
                    Append(gradient);
            }
        }

        return bits.ToArray();

        void Append(Tensor t) => bits.AddRange(
            t.DType == DType.F32 ? MemoryMarshal.AsBytes<float>(t.ToArray()) : MemoryMarshal.AsBytes<int>(t.ToArray<int>()));
    });

    private static TheoryData<string, Layout, DType, string> Rows(Func<OperationCase, bool> wanted)
    {
        var rows = new TheoryData<string, Layout, DType, string>();
        foreach (var c in OperationCases.All.Where(wanted))
        {
            foreach (var layout in Enum.GetValues<Layout>().Where(l => c.Inputs.Any(i => l.AppliesTo(i.Shape.Length))))
            {
                foreach (var type in Types)
                {
                    foreach (var device in TestDevices.Names)
                        rows.Add(c.Name, layout, type, device);
                }
            }
        }

        return rows;
    }

    private static TheoryData<string, string> ByName(Func<OperationCase, bool> wanted)
    {
        var rows = new TheoryData<string, string>();
        foreach (var c in OperationCases.All.Where(wanted))
        {
            foreach (var device in TestDevices.Names)
                rows.Add(c.Name, device);
        }

        return rows;
    }
}
