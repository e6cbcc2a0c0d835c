using EscNative.Bench.Cli;
using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Images;
using EscNative.Kernels.Cpu;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Models.Data;

namespace EscNative.Bench.Verbs;

/// <summary><c>doctor</c>: what this program finds on the machine, every path it tried, and what to do about what is missing.</summary>
internal static class DoctorCommand
{
    public static Verb Verb(OptionSet options) => new(
        "doctor",
        "Says which device, instructions, memory and data are found, every path tried, and the fix.",
        [options.Data, options.Device, options.Threads, options.Cache, options.Json, options.Force, options.Config, options.Quiet],
        ["escnative doctor", "escnative doctor --data ./cifar-10-batches-bin"],
        Run);

    private static ExitCode Run(CommandContext context)
    {
        var options = context.Options;
        Setup.CheckOutputs(context, context.Get(options.Json));
        var (_, setup) = Setup.Take(context);
        var document = Setup.Document(context, setup);
        var data = Data(context.Get(options.Data));
        List<FindingResult> findings =
        [
            new("device", true, $"{setup.Device}{(setup.DeviceReason is { } reason ? $" ({reason})" : "")}", null),
            .. Cuda(),
            new("instructions", InstructionSets.InUse.StartsWith("AVX", StringComparison.Ordinal),
                $"kernels use {InstructionSets.InUse}; the runtime offers {string.Join(", ", InstructionSets.Available)}",
                InstructionSets.InUse.StartsWith("AVX", StringComparison.Ordinal)
                    ? null
                    : "a processor with AVX2 or AVX-512 is several times faster; is DOTNET_EnableAVX2=0 or DOTNET_EnableAVX512=0 set?"),
            Threads(setup.Threads),
            Memory(document.Machine.MemoryBytes),
            Peak(setup.Threads),
            Jpeg(),
            data,
            Cache(context.Get(options.Cache)),
        ];
        Setup.Publish(context, document with { Findings = findings });
        // Everything else is a remark; without the data that was asked for nothing can be done.
        return data.Ok ? ExitCode.Ok : ExitCode.BadInput;
    }

    private static IEnumerable<FindingResult> Cuda()
    {
        if (CudaRuntime.UnavailableDetails is { } reason)
        {
            // A machine without a GPU is no fault: the CPU does everything. A driver without the rest is half an installation.
            yield return new FindingResult("CUDA", CudaRuntime.DriverVersion is null, $"none: {reason}", null);
            yield break;
        }

        foreach (var device in CudaRuntime.Devices)
        {
            yield return new FindingResult(
                $"cuda:{device.Ordinal}", true,
                $"{device.Name}, compute capability {device.Major}.{device.Minor}, {Numbers.Count(device.Multiprocessors)} multiprocessors, {Numbers.Short(device.MemoryBytes / 1e9)} GB"
                    + (CudaRuntime.IsEmulated ? "; EMULATED: right results, meaningless times" : ""),
                null);
        }

        yield return Compute();
        foreach (var library in CudaRuntime.Findings)
        {
            yield return new FindingResult(
                library.Library, library.Path is not null || library.Fix is null,
                library.Path is { } path ? $"{library.Version ?? "version unknown"}, {path}" : $"{library.Problem}; tried {string.Join(", ", library.Tried)}",
                library.Path is null ? library.Fix : null);
        }

        yield return CudaRuntime.KernelCacheFolder is { } folder
            ? new FindingResult("kernel cache", true, folder, null)
            : new FindingResult("kernel cache", false, $"none ({CudaRuntime.KernelCacheProblem ?? $"{CudaRuntime.KernelCacheVariable} is empty"}): kernels are compiled in every process", $"set {CudaRuntime.KernelCacheVariable} to a folder that can be written");
    }

    // Whether kernels can be compiled, loaded and run: what the libraries' presence alone does not show.
    private static FindingResult Compute()
    {
        const int count = 1000;
        try
        {
            using var scope = Tensor.Scope();
            var x = Tensor.Ones(count, device: Device.Cuda());
            var sum = (x + x).Sum().Item();
            return sum == 2 * count
                ? new FindingResult("kernels", true, "compiled for cuda:0, and their result is right", null)
                : new FindingResult("kernels", false, $"the sum of {count} twos on cuda:0 is {Numbers.Short(sum)}", "use --device cpu, and report it with the driver's version");
        }
        catch (DeviceException failure)
        {
            return new FindingResult("kernels", false, PlainText.Of(failure.Message), "use --device cpu until that is fixed");
        }
    }

    private static FindingResult Threads(int threads) => threads <= Environment.ProcessorCount
        ? new FindingResult("threads", true, $"{threads} of {Environment.ProcessorCount} processors", null)
        : new FindingResult("threads", false, $"{threads} on {Environment.ProcessorCount} processors", $"use --threads {Environment.ProcessorCount}: more only wait for each other");

    private static FindingResult Memory(long available)
    {
        // CIFAR-10 and its features, with room for training.
        const double wanted = 1.5e9;
        return new FindingResult(
            "memory", available >= wanted, $"{Numbers.Short(available / 1e9)} GB for this process",
            available >= wanted ? null : "CIFAR-10 wants about 1.5 GB; the embedded set runs with less");
    }

    private static FindingResult Peak(int threads)
    {
        var (busy, f32, f64) = Peaks.Measure(threads);
        return new FindingResult(
            "arithmetic", true,
            $"{Numbers.Short(PeakProbe.MeasureFmaGflops(1))} GFLOP/s on one thread, {Numbers.Short(f32)} on {busy} in float32; {Numbers.Short(f64)} in float64 (multiply-adds, measured)",
            null);
    }

    private static FindingResult Jpeg()
    {
        var decoder = new SkiaImageDecoder();
        var finding = TurboJpegLibrary.Finding;
        if (decoder.Jpeg == JpegLibrary.TurboJpeg)
            return new FindingResult("JPEG", true, $"TurboJPEG {finding.Version}, {finding.Path}; SkiaSharp for what it does not take", null);
        // Found, and not used: somebody wants it so.
        return finding.Problem is null
            ? new FindingResult("JPEG", true, $"SkiaSharp, as {TurboJpegLibrary.ChoiceVariable} says; TurboJPEG {finding.Version} is there: {finding.Path}", null)
            : new FindingResult("JPEG", false, $"SkiaSharp: the same pixels, more slowly; TurboJPEG: {PlainText.Of(finding.Problem)}; tried {PlainText.Of(string.Join(", ", finding.Tried))}", TurboJpegFinding.Fix);
    }

    private static FindingResult Data(string path)
    {
        var where = path == "embedded" ? "embedded" : $"tried {Path.GetFullPath(path)}";
        try
        {
            var data = DataFolder.Open(path, new PhotoChoice(OnBadImage: BadImagePolicy.Skip).For("", FaceFolder.DefaultSide, FaceFolder.DefaultSide, 3));
            return new FindingResult(
                "data", true,
                string.Join("; ", data.Notes.Prepend($"{where}: {data.Name}, {Numbers.Count(data.Train.Count)} training and {Numbers.Count(data.Test.Count)} test images, {data.ClassNames.Count} classes")),
                null);
        }
        catch (EscException problem)
        {
            return new FindingResult("data", false, $"{where}: {PlainText.Of(problem.Message)}", "give --data a CIFAR or IDX folder or archive, or a folder of photos, or leave it out for the embedded set");
        }
    }

    private static FindingResult Cache(string? folder)
    {
        var cache = new ModelCache(folder);
        return cache.Problem is { } problem
            ? new FindingResult("cache", false, $"none: {problem}", "give --cache a folder that can be written; without one the small model is trained every time")
            : new FindingResult("cache", true, cache.Folder!, null);
    }
}
