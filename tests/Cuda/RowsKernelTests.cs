using EscNative.Kernels.Cuda;

namespace EscNative.Tests.Cuda;

/// <summary>Rows by index: exact, in order, and with a report of a wrong index.</summary>
public sealed class RowsKernelTests
{
    public static TheoryData<string> Machines => CudaMachine.All;

    [Theory]
    [MemberData(nameof(Machines))]
    public void Picked_rows_are_copied_as_bytes(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new RowsKernels(machine.Context);
        var random = new Random(41);
        // Units of 1, 4 and 16 bytes.
        foreach (var rowBytes in (int[])[1, 3, 12, 16, 400, 401])
        {
            var x = new byte[50 * rowBytes];
            random.NextBytes(x);
            var index = Enumerable.Range(0, 77).Select(_ => random.Next(50)).ToArray();
            var (px, pi, py) = (machine.Upload<byte>(x), machine.Upload<int>(index), machine.Allocate<byte>(77 * rowBytes));
            kernels.Gather(px, 50, pi, py, 77, rowBytes);
            Assert.Equal(index.SelectMany(r => x.Skip(r * rowBytes).Take(rowBytes)), machine.Download<byte>(py, 77 * rowBytes));
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void Rows_are_added_in_order(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new RowsKernels(machine.Context);
        var random = new Random(42);
        foreach (var type in DeviceValues.Types)
        {
            foreach (var (rows, columns, count) in ((int, int, int)[])[(1, 1, 5), (7, 300, 40), (200, 3, 333)])
            {
                var (dy, sum) = (type.Round(DeviceValues.Random(random, count * columns)), type.Round(DeviceValues.Random(random, rows * columns)));
                var index = Enumerable.Range(0, count).Select(_ => random.Next(rows)).ToArray();
                var (pd, pi, ps) = (machine.Upload(type, dy), machine.Upload<int>(index), machine.Upload(type, sum));
                kernels.ScatterAdd(type, pd, pi, count, ps, rows, columns);
                for (var r = 0; r < count; r++)
                {
                    for (var c = 0; c < columns; c++)
                    {
                        // Rounded after each addition, as it is stored: the order shows.
                        ref var s = ref sum[(index[r] * columns) + c];
                        s = type.Round([s + dy[(r * columns) + c]])[0];
                    }
                }

                Assert.Equal(sum, machine.Download(type, ps, rows * columns));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_wrong_index_is_reported_at_the_next_wait_and_once(string name)
    {
        using var machine = CudaMachine.Use(name);
        var kernels = new RowsKernels(machine.Context);
        foreach (var wrong in (int[])[-1, 5, int.MaxValue])
        {
            var (px, pi, py) = (machine.Upload<float>(new float[10]), machine.Upload<int>([0, wrong, 4]), machine.Allocate<float>(6));
            kernels.Gather(px, 5, pi, py, 3, 8);
            var error = Assert.Throws<EscException>(machine.Context.Stream.Synchronize);
            Assert.Equal(ErrorCode.BadInput, error.Code);
            Assert.Contains($"index 1 is {wrong}, wants 0 to 4", error.Message, StringComparison.Ordinal);
            machine.Context.Stream.Synchronize();

            kernels.ScatterAdd(DType.F32, py, pi, 3, px, 5, 2);
            Assert.Throws<EscException>(machine.Context.Stream.Synchronize);
        }
    }
}
