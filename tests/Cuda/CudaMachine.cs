using System.Runtime.InteropServices;
using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Tests.Cuda;

/// <summary>
/// A device for tests of kernels: the emulated one under a schedule, or its checked build, or a real GPU. One test has it at a time.
/// Buffers are as long as asked for to the byte and start as NaN; on Dispose they are freed, and the machine must have nothing to report.
/// </summary>
public sealed unsafe class CudaMachine : IDisposable
{
    private static readonly string[] Schedules = ["forward", "reverse", "random", "greedy"];
    // Fewer than most cases have work for.
    private const int FewBlocks = 2;

    private static readonly Dictionary<int, CudaContext> Contexts = [];
    private static readonly SemaphoreSlim One = new(1, 1);

    private readonly List<nint> _buffers = [];
    private readonly string _name;
    private readonly string _row;
    private readonly long? _free;

    private CudaMachine(string name, string row, CudaContext context, bool isKeeper)
    {
        _name = name;
        _row = row;
        Context = context;
        _free = isKeeper || name == "gpu" ? null : context.MemoryInfo().Free;
    }

    /// <summary>The machines that every kernel must pass on; ESC_TEST_MACHINES names others.</summary>
    public static string[] Names { get; } = EmulatedMachine.UsesGpu ? ["gpu"]
        : Environment.GetEnvironmentVariable("ESC_TEST_MACHINES") is { Length: > 0 } named ? named.Split(',')
        : ["reverse", "greedy", "random", "checked"];

    /// <summary>The same, as rows of a theory.</summary>
    public static TheoryData<string> All => [.. Names];

    public CudaContext Context { get; }

    /// <summary>Makes the device ready on which tests run; builds the emulated one where it must.</summary>
    public static void Prepare() => EmulatedMachine.Prepare();

    /// <summary>Takes a machine; the calling test is skipped where there is none, and fails for that in CI.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="isKeeper">The test uses the engine too, whose pool and libraries keep memory. Any other must leave none behind.</param>
    public static CudaMachine Use(string name, bool isKeeper = false)
    {
        if (EmulatedMachine.UnavailableReason is { } reason)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
            Assert.Skip(reason);
        }

        One.Wait();
        try
        {
            var row = name;
            if (name == "gpu")
                return new CudaMachine(name, row, CudaContext.Get(0), isKeeper);
            // Coverage is counted by a build of its own, which is no slower to check than to count.
            var counts = Environment.GetEnvironmentVariable("ESC_TEST_COVERAGE") == "1";
            var ordinal = name == "checked" ? 1 : counts ? 2 : 0;
            var context = ContextOf(ordinal);
            EmulatorApi.Errors(out _);
            if (Array.IndexOf(Schedules, name) is >= 0 and var mode)
            {
                var seed = Environment.GetEnvironmentVariable("ESC_TEST_SEED") is { } given ? ulong.Parse(given, null) : (ulong)Random.Shared.NextInt64();
                EmulatorApi.Schedule(mode, seed);
                // One of the schedules has kernels go round their loops over the grid; the others give a thread one item, as large devices do.
                LaunchShape.MostBlocks = name == "greedy" ? FewBlocks : 0;
                if (name == "random")
                    name = $"random, ESC_TEST_SEED={seed}";
            }

            return new CudaMachine(name, row, context, isKeeper);
        }
        catch
        {
            One.Release();
            throw;
        }
    }

    /// <summary>A buffer with these values; 0 for none.</summary>
    public nint Upload<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var pointer = Allocate<T>(values.Length);
        Context.Upload(MemoryMarshal.AsBytes(values), pointer);
        return pointer;
    }

    /// <summary>The same for an array, from which the type can be inferred.</summary>
    public nint Upload<T>(T[] values)
        where T : unmanaged => Upload<T>(values.AsSpan());

    /// <summary>A buffer whose bytes are 0xFF, which is NaN in every float type and -1 in every integer; 0 for none.</summary>
    public nint Allocate<T>(long count)
        where T : unmanaged
    {
        if (count == 0)
            return 0;
        var bytes = count * sizeof(T);
        var pointer = Context.Allocate(bytes);
        Assert.True(pointer != 0, $"no {bytes} bytes of device memory");
        _buffers.Add(pointer);
        Context.Stream.Fill(pointer, 0xFF, bytes);
        return pointer;
    }

    /// <summary>The values of a buffer, once all work is done.</summary>
    /// <param name="scale">What rounding is relative to where machines are compared, if that is more than the largest value: the size of the
    /// sums behind the result, times its condition.</param>
    public T[] Download<T>(nint pointer, long count, double scale = 0)
        where T : unmanaged
    {
        var values = new T[count];
        try
        {
            Context.Download(pointer, MemoryMarshal.AsBytes(values.AsSpan()));
        }
        catch (DeviceException lost) when (_name != "gpu" && EmulatorApi.Errors(out var first) > 0)
        {
            throw new InvalidOperationException($"{_name}: {first}", lost);
        }

        DeviceRecord.Take(_row, values, scale);
        return values;
    }

    public void Dispose()
    {
        try
        {
            foreach (var buffer in _buffers)
                Context.Free(buffer);
            if (_name == "gpu")
                return;
            var count = EmulatorApi.Errors(out var first);
            var left = Context.LostReason is null ? _free - Context.MemoryInfo().Free ?? 0 : 0;
            if (count > 0 || Context.LostReason is not null)
                EmulatorApi.Reset();
            else
                EmulatorApi.Schedule(0, 0);
            Assert.True(count == 0, $"{_name}: {count} reports, the first: {first}");
            Assert.True(left <= 0, $"{_name}: {left} bytes left behind, which the collector would free while some later test runs");
        }
        finally
        {
            LaunchShape.MostBlocks = 0;
            One.Release();
        }
    }

    // Apart from CudaContext.Get, so that a test that loses the device takes no other with it.
    private static CudaContext ContextOf(int ordinal)
    {
        if (!Contexts.TryGetValue(ordinal, out var context) || context.LostReason is not null)
        {
            EmulatorApi.Reset();
            Contexts[ordinal] = context = new CudaContext(ordinal, new CubinCache(null));
        }

        return context;
    }
}
