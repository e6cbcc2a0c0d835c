namespace EscNative.Kernels.Cuda.Driver;

/// <summary>A sequence of launches that is recorded once and issued again as a whole, at the cost of one launch.</summary>
/// <remarks>
/// A graph keeps the addresses that it was recorded with: whoever records owns the memory (an arena) for as long as the graph
/// lives, and what changes from run to run lies in device memory. While recording, nothing may wait, copy from or to the host, or
/// ask the driver for memory. Other threads may issue work, which is not recorded. Products by cuBLAS are recorded like launches; a
/// decomposition by cuSOLVER is not, since the host waits for its verdict.
/// </remarks>
public sealed unsafe class CudaGraph : CudaResource
{
    private readonly CudaStream _stream;
    private readonly FaultSlot _faults;

    /// <summary>Records what an action issues, which is not carried out then.</summary>
    /// <param name="context">The device.</param>
    /// <param name="issue">Issues the work on the context's stream.</param>
    /// <exception cref="DeviceException">Something in it cannot be recorded.</exception>
    public CudaGraph(CudaContext context, Action issue)
        : base(context)
    {
        _stream = context.Stream;
        _faults = context.Faults.ForGraph();
        Handle = Record(issue);
    }

    /// <summary>Issues the recorded work.</summary>
    /// <exception cref="DeviceException">The device refuses it, or is lost.</exception>
    public void Launch()
    {
        using var call = KernelCall.Begin();
        Context.MakeCurrent();
        Context.Check(DriverApi.cuGraphLaunch(Handle, _stream.Handle));
        Context.Counters.CountGraphLaunch();
        Context.Use(_faults.Mark());
    }

    private protected override void Free(nint handle) => _ = DriverApi.cuGraphExecDestroy(handle);

    private nint Record(Action issue)
    {
        _stream.BeginCapture();
        KernelFaults.BeginRecording(_faults);
        nint graph;
        try
        {
            issue();
            KernelFaults.EndRecording();
        }
        catch
        {
            KernelFaults.EndRecording();
            // What went wrong is more telling than that the recording is broken.
            if (_stream.EndCapture(out graph) == 0)
                _ = DriverApi.cuGraphDestroy(graph);
            throw;
        }

        Context.Check(_stream.EndCapture(out graph), nameof(DriverApi.cuStreamEndCapture));
        nint instance;
        var error = DriverApi.cuGraphInstantiateWithFlags(&instance, graph, 0);
        _ = DriverApi.cuGraphDestroy(graph);
        Context.Check(error, nameof(DriverApi.cuGraphInstantiateWithFlags));
        return instance;
    }
}
