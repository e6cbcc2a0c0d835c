using System.Text.Json;
using System.Text.Json.Serialization;
using EscNative.Bench.Measuring;

namespace EscNative.Bench.Reports;

/// <summary>
/// What a command found out: the one source of the JSON file, of the tables on the console and of the HTML file.
/// docs/result-schema.md describes every field.
/// </summary>
internal sealed record ResultDocument
{
    public const string CurrentSchema = "escnative.result/1";

    public string Schema { get; init; } = CurrentSchema;

    public required string Verb { get; init; }

    public ProductResult Product { get; init; } = new(BuildInfo.Version, BuildInfo.Commit);

    /// <summary>When the command started, UTC, ISO 8601.</summary>
    public required string Created { get; init; }

    public required MachineInfo Machine { get; init; }

    public required SetupResult Setup { get; init; }

    /// <summary>The answer on one screen; of <c>report</c>.</summary>
    public HeadlineResult? Headline { get; init; }

    public DataResult? Data { get; init; }

    public ModelResult? Model { get; init; }

    public RequestResult? Request { get; init; }

    public TrainingResult? Training { get; init; }

    public LatencyResult? Latency { get; init; }

    public UnlearningRunResult? Unlearning { get; init; }

    public IReadOnlyList<ErasureResult>? Erasures { get; init; }

    public MetricsResult? Metrics { get; init; }

    public ExperimentResult? Experiment { get; init; }

    public IReadOnlyList<PaperRow>? Paper { get; init; }

    /// <summary>Every sentence of the paper about time, judged by this run; of <c>report</c>.</summary>
    public IReadOnlyList<TimeClaimResult>? TimeClaims { get; init; }

    public CheckpointResult? Checkpoint { get; init; }

    public IReadOnlyList<FindingResult>? Findings { get; init; }

    public KernelsResult? Kernels { get; init; }

    public CudaKernelsResult? CudaKernels { get; init; }

    public PeersResult? Peers { get; init; }

    public MicroResult? Micro { get; init; }

    /// <summary>What a reader must know beside the numbers.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What one verb alone makes and describes, by the names of its fields (<see cref="ResultJson.Own"/>); they stand last in the file.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Own { get; set; }

    /// <summary><see cref="Own"/> as a reader sees it.</summary>
    [JsonIgnore]
    public IReadOnlyList<Section> OwnSections { get; init; } = [];
}

/// <summary>The build.</summary>
internal sealed record ProductResult(string Version, string? Commit);

/// <summary>How the command computed.</summary>
/// <param name="DeviceRequested">What --device said.</param>
/// <param name="Device">What was used.</param>
/// <param name="DeviceReason">Why, where the user left the choice to the program.</param>
internal sealed record SetupResult(string DeviceRequested, string Device, string? DeviceReason, int Threads, string Precision, int Seed, bool Emulated = false);

/// <summary>The images.</summary>
/// <param name="Name">The folder's own name, or <c>embedded</c>; never a path.</param>
internal sealed record DataResult(
    string Name, int TrainImages, int TestImages, IReadOnlyList<string> ClassNames, IReadOnlyList<string> Notes);

/// <summary>The network before the request.</summary>
/// <param name="Source">The file's own name, or where else it came from; never a path.</param>
/// <param name="Sha256">The hash of the model file, or null where there was none.</param>
/// <param name="TrainedOn">The images that it was trained on, in words, or null where its file does not tell.</param>
/// <param name="Forgotten">What the file records that it was made to forget, or null.</param>
/// <param name="Hyperparameters">What the architecture was told, in words, or null where there is nothing to tell.</param>
internal sealed record ModelResult(
    string Architecture, double Width, long Parameters, int FeatureWidth, int Classes, string Source, string? Sha256,
    string? TrainedOn = null, IReadOnlyList<ForgottenResult>? Forgotten = null, string? Hyperparameters = null);

/// <summary>A request that a model file records.</summary>
/// <param name="Classes">The names of the classes or subjects, or null for a request by images.</param>
/// <param name="Indices">The training images as ranges, or null for a request by classes.</param>
internal sealed record ForgottenResult(string Method, string Request, IReadOnlyList<string>? Classes, string? Indices, int Images);

/// <summary>What was to be forgotten, and how.</summary>
/// <param name="Method">Empty where no method ran: what is measured as forgotten.</param>
/// <param name="ForgetClassNames">The classes' or subjects' names, in the order of the numbers; empty for a request by images.</param>
internal sealed record RequestResult(
    string Method,
    IReadOnlyList<int> ForgetClasses,
    string Forget,
    int ForgetImages,
    int RemainImages,
    int ForgetTestImages,
    int RemainTestImages,
    double? P,
    int K,
    string Solver,
    IReadOnlyList<string>? ForgetClassNames = null);

/// <summary>What training did.</summary>
internal sealed record TrainingResult(
    int Epochs, int Batch, double LearningRate, double WeightDecay, double Seconds, double Loss, double TrainAccuracy, double TestAccuracy, bool Resumed);

/// <summary>What an unlearning method did.</summary>
/// <param name="Outcome"><c>completed</c> or <c>diverged</c>.</param>
/// <param name="Seconds">Wall seconds of the method, the model and the images being in memory.</param>
/// <param name="Steps">Optimization steps; 0 for methods in closed form.</param>
internal sealed record UnlearningRunResult(
    string Method, string Outcome, double Seconds, long Steps, IReadOnlyDictionary<string, double> Parameters, IReadOnlyList<string> Notes);

/// <summary>An erasure operator and what is known about the directions that it removes.</summary>
internal sealed record ErasureResult
{
    /// <summary>paper or official.</summary>
    public required string Mode { get; init; }

    public required int K { get; init; }

    public required int FeatureWidth { get; init; }

    public required string Solver { get; init; }

    /// <summary>What the method and the solver have to say: choices, fallbacks, a reduced k, changed statistics.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>The largest singular values of the features to forget, descending.</summary>
    public required IReadOnlyList<double> SingularValues { get; init; }

    /// <summary>The share of the features' squared norm that the directions carry.</summary>
    public required double EnergyRemoved { get; init; }

    /// <summary>The largest |G u - s² u| / s₁² of a direction u: how exactly they are singular directions.</summary>
    public required double Residual { get; init; }

    /// <summary>The largest entry of |UᵀU - I|: how orthonormal they are.</summary>
    public required double Orthogonality { get; init; }

    /// <summary>Seconds of the method, the model and the images being in memory.</summary>
    public required double Seconds { get; init; }

    /// <summary>Images that went through the network meanwhile; null in results that did not count them.</summary>
    public long? ForwardedImages { get; init; }

    /// <summary>Optimization steps; null in results that did not count them.</summary>
    public long? Steps { get; init; }
}

/// <summary>One line of a published table.</summary>
internal sealed record PaperRow(
    string Setting, string Method, double ForgetTrain, double RemainTrain, double ForgetTest, double RemainTest, double Hm, double HmTest, double KrForget, double KrRemain);

/// <summary>What is in a model file.</summary>
internal sealed record CheckpointResult(
    string File,
    long Bytes,
    string? Architecture,
    string Mapping,
    IReadOnlyList<TensorResult> Tensors,
    IReadOnlyDictionary<string, string> Metadata,
    IReadOnlyList<ErasureFactorResult> Erasures,
    IReadOnlyList<PlanStepResult>? Plan = null)
{
    /// <summary>How the file was understood, what was assumed, what does not fit; null where there is nothing to say.</summary>
    public IReadOnlyList<string>? Remarks { get; init; }
}

/// <summary>One step of the plan that a model is compiled to.</summary>
/// <param name="Step">The module.</param>
/// <param name="Kind">What it computes, with what was fused into it.</param>
/// <param name="Algorithm">How, where there are several ways; else empty.</param>
/// <param name="Output">The shape of its result for one image.</param>
/// <param name="Flops">Floating-point operations an image by definition.</param>
/// <param name="Bytes">Bytes of activations an image.</param>
/// <param name="WeightBytes">Bytes of weights.</param>
internal sealed record PlanStepResult(
    string Step, string Kind, string Algorithm, IReadOnlyList<int> Output, double Flops, double Bytes, double WeightBytes);

/// <summary>One tensor of a model file.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Type">Its element type in the format's own words.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Bytes">Bytes of its values.</param>
/// <param name="Place">Its name in the network that the file holds, or null where it has none.</param>
/// <param name="Problem">What does not fit, or null.</param>
internal sealed record TensorResult(string Name, string Type, IReadOnlyList<int> Shape, long Bytes, string? Place = null, string? Problem = null)
{
    /// <summary>How it is brought to the network's shape, where it has another one that fits; else null.</summary>
    public string? Fitted { get; init; }
}

/// <summary>One erasure request that a model file carries.</summary>
internal sealed record ErasureFactorResult(string Kind, int Rank, IReadOnlyDictionary<string, string> Origin);

/// <summary>One thing that doctor looked at.</summary>
/// <param name="Subject">What.</param>
/// <param name="Ok">Whether it is as one would wish.</param>
/// <param name="Found">What was found.</param>
/// <param name="Fix">What to do about it, or null.</param>
internal sealed record FindingResult(string Subject, bool Ok, string Found, string? Fix);
