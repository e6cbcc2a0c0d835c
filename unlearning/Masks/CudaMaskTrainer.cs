using EscNative.Kernels;
using EscNative.Kernels.Cuda;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Unlearning.Masks;

/// <summary><see cref="IMaskTrainer"/> on a GPU: everything lies on the device, and an epoch is one launch.</summary>
public sealed class CudaMaskTrainer : IMaskTrainer
{
    private const string Operation = "ESC-T";

    private readonly CudaContext _context;
    private readonly EscTKernels _kernels;
    private readonly EscTPlan _plan;
    private readonly List<NativeOwner> _memory = [];
    private readonly CudaDeviceVariable<float> _mask;
    private readonly CudaDeviceVariable<int> _order;
    private readonly CudaDeviceVariable<int> _result;
    private readonly EscTArguments _arguments;

    // Those that lie on the device already, and belong to another.
    private readonly CudaFeatures? _features;

    /// <summary>Copies the problem to a device, but for features that lie there, and starts with a mask of ones.</summary>
    /// <param name="context">The device.</param>
    /// <param name="problem">What to train on.</param>
    /// <exception cref="DeviceException">The device cannot hold the mask in its shared memory, or has no cooperative launches.</exception>
    /// <exception cref="DeviceOutOfMemoryException">Not enough device memory.</exception>
    public CudaMaskTrainer(CudaContext context, MaskProblem problem)
        : this(context, problem, null)
    {
    }

    internal CudaMaskTrainer(CudaContext context, MaskProblem problem, EscTPlan? plan)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(problem);
        Problem = problem;
        _context = context;
        _features = problem.Device?.Context == context ? problem.Device : null;
        _kernels = new EscTKernels(context);
        _plan = plan ?? _kernels.Plan(problem.Dimension, problem.Columns, problem.Classes, problem.Batch);
        using var call = KernelCall.Begin();
        try
        {
            var ones = new float[problem.Basis.Length];
            Array.Fill(ones, 1);
            _mask = Upload<float>(ones);
            _order = Allocate<int>(problem.Count);
            _result = Allocate<int>(2);
            _arguments = new EscTArguments
            {
                Features = _features is null ? Upload<float>(problem.Features.Span).Pointer : _features.Rows,
                Labels = Upload<int>(problem.Labels).Pointer,
                Order = _order.Pointer,
                Basis = Upload<float>(problem.Basis).Pointer,
                Mask = _mask.Pointer,
                Weight = Upload<float>(problem.Weight).Pointer,
                Bias = Upload<float>(problem.Bias).Pointer,
                Partial = Allocate<float>(_plan.PartialCount).Pointer,
                Slope = Allocate<float>((long)problem.Batch * problem.Classes).Pointer,
                Hit = Allocate<int>(problem.Batch).Pointer,
                Head = Allocate<float>(problem.Weight.Length).Pointer,
                Outside = Allocate<float>(_plan.OutsideCount).Pointer,
                Result = _result.Pointer,
                Barrier = Upload<uint>([0]).Pointer,
                Count = problem.Count,
                Dimension = problem.Dimension,
                Columns = problem.Columns,
                Classes = problem.Classes,
                Batch = problem.Batch,
            };
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public MaskProblem Problem { get; }

    /// <inheritdoc/>
    public MaskEpoch Epoch(ReadOnlySpan<int> order, float rate)
    {
        Problem.CheckRows(order);
        using var call = KernelCall.Begin();
        foreach (var memory in _memory)
            call.Hold(memory);
        _order.CopyToDevice(order);
        var arguments = _arguments;
        // Asked for anew, so that the call holds them.
        if (_features is not null)
            arguments.Features = _features.Rows;
        arguments.Ordered = order.Length;
        arguments.Rate = rate;
        _kernels.Epoch(_plan, arguments);
        Span<int> result = stackalloc int[2];
        _result.CopyToHost(result);
        return new MaskEpoch(result[0], result[1]);
    }

    /// <inheritdoc/>
    public void ReadMask(Span<float> mask)
    {
        Problem.CheckMask(mask.Length);
        _mask.CopyToHost(mask);
    }

    /// <inheritdoc/>
    public void WriteMask(ReadOnlySpan<float> mask)
    {
        Problem.CheckMask(mask);
        _mask.CopyToDevice(mask);
    }

    /// <inheritdoc/>
    public bool[] Threshold(float tau)
    {
        using var kept = new CudaDeviceVariable<bool>(_context, _mask.Count, Operation);
        using var call = KernelCall.Begin();
        _kernels.Threshold(_mask.Pointer, tau, kept.Pointer, _mask.Count);
        return kept.ToHost();
    }

    /// <summary>Gives the device memory back.</summary>
    public void Dispose()
    {
        foreach (var memory in _memory)
            memory.Dispose();
    }

    private CudaDeviceVariable<T> Allocate<T>(long count)
        where T : unmanaged
    {
        var memory = new CudaDeviceVariable<T>(_context, count, Operation);
        _memory.Add(memory);
        return memory;
    }

    private CudaDeviceVariable<T> Upload<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var memory = Allocate<T>(values.Length);
        memory.CopyToDevice(values);
        return memory;
    }
}
