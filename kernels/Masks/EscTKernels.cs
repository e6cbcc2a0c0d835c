using EscNative.Kernels.Cuda.Driver;

namespace EscNative.Kernels.Cuda;

/// <summary>Launches of <c>esct.cu</c>: the learnable mask of ESC-T, an epoch a launch.</summary>
public sealed unsafe class EscTKernels : KernelFamily
{
    private const int Threads = 256;

    private readonly CudaFunction _epoch;
    private readonly CudaFunction _threshold;

    /// <summary>Loads the family.</summary>
    /// <param name="context">The device.</param>
    /// <exception cref="DeviceException">The kernels cannot be compiled or loaded, or the device has no cooperative launches.</exception>
    public EscTKernels(CudaContext context)
        : base(context, "esct")
    {
        if (!context.CanCooperate)
            throw new DeviceException($"ESC-T on {context}: the device has no cooperative launches; use --device cpu");
        _epoch = Function("esct_epoch_f32");
        _threshold = Function("esct_threshold_f32");
        context.AllowSharedBytes(_epoch, context.MaxSharedBytes);
    }

    /// <summary>How an epoch is laid out over this device.</summary>
    /// <param name="d">Rows of the mask.</param>
    /// <param name="r">Columns of the mask.</param>
    /// <param name="classes">Rows of the head's weight.</param>
    /// <param name="batch">Rows of a step.</param>
    /// <exception cref="DeviceException">The mask does not fit.</exception>
    public EscTPlan Plan(int d, int r, int classes, int batch) =>
        EscTPlan.Of(d, r, classes, batch, Context.MaxSharedBytes, bytes => Context.ResidentBlocks(_epoch, Threads, bytes));

    /// <summary>An epoch: a step of gradient descent for each batch of the order, then the hits of all rows with the soft mask.</summary>
    /// <param name="plan">From <see cref="Plan"/>, for the sizes in the arguments.</param>
    /// <param name="arguments">Everything else.</param>
    public void Epoch(in EscTPlan plan, EscTArguments arguments)
    {
        arguments.Panel = plan.Panel;
        arguments.Groups = plan.Groups;
        void** pointers = stackalloc void*[] { &arguments };
        Stream.LaunchCooperative(_epoch, new LaunchShape((uint)plan.Blocks, 1, 1, Threads, (uint)plan.SharedBytes), pointers);
    }

    /// <summary>kept = mask > tau, 1 or 0.</summary>
    /// <param name="mask">[count] float32</param>
    /// <param name="tau">The threshold; equal to it is below it.</param>
    /// <param name="kept">[count] bytes</param>
    /// <param name="count">Values.</param>
    public void Threshold(nint mask, float tau, nint kept, long count)
    {
        if (count == 0)
            return;
        void** arguments = stackalloc void*[] { &mask, &tau, &kept, &count };
        Stream.Launch(_threshold, LaunchShape.ForCount(count), arguments);
    }
}
