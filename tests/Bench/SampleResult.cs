using EscNative.Bench.Measuring;
using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench;

/// <summary>A result with every section, for tests of its forms.</summary>
internal static class SampleResult
{
    public static ResultDocument Create(string className = "deer") => new()
    {
        Verb = "report",
        Product = new ProductResult("1.2.3", "abcdef"),
        Created = "2026-01-02T03:04:05Z",
        Machine = new MachineInfo("Test CPU", 2, "AVX2", 8_000_000_000, "Test OS", ".NET 10", "workstation, not concurrent"),
        Setup = new SetupResult("auto", "cpu", "no GPU", 2, "f32", 42),
        Headline = new HeadlineResult
        {
            Asked = $"forget class 1 ({className}) with esc",
            Images = "150 of 1,500 training images",
            Setting = "allcnn on embedded; Test CPU, 2 threads, f32",
            Latency = new HeadlineLatency(200, 190, 220, 400, 10),
            Relations =
            [
                new RelationResult("retraining", 60_000, 300, RelationResult.Request, 1197.2, Measured: true, "trained by this run"),
                new RelationResult("the paper's ESC", 2240, double.NaN, RelationResult.Method, 1, Measured: false, "another network and machine"),
            ],
            Effects = [Effect("the rest, unseen (D_rt)", "accuracy", "D_rt", VerdictResult.As)],
            Attacks = [Effect("new head, trained to the end: D_f", "KR-strong", "D_f", VerdictResult.Worse)],
            Stages = [new StageShareResult("forward", "forward pass to the features", 150, 74)],
            Methods =
            [
                new HeadlineMethod(
                    "ng", 2500, 4.5, 11.96, "completed", [Effect("the rest, unseen (D_rt)", "accuracy", "D_rt", VerdictResult.As)],
                    [Effect("new head, trained to the end: D_f", "KR-strong", "D_f", VerdictResult.Worse)], "keeps: as Retrain"),
            ],
            Warnings = ["the runs differ"],
            Verdict = "keeps: as Retrain | attacker: worse: knowledge is left",
        },
        Data = new DataResult("embedded", 1500, 500, ["cat", className], ["a note"]),
        Model = new ModelResult("allcnn", 0.5, 406_810, 96, 2, "model.safetensors", new string('a', 64), Hyperparameters: "width 0.5"),
        Request = new RequestResult("esc", [1], $"class 1 ({className})", 150, 1350, 50, 450, 1.5, 1, "auto"),
        Training = new TrainingResult(8, 50, 0.05, 5e-4, 31.5, 0.25, 91.5, 85.25, false),
        Latency = new LatencyResult
        {
            WarmupRuns = 6,
            WarmupEnd = "settled",
            ColdMs = 400,
            Request = new LatencyStatistics(10, 200, 190, 220, 189, 225, 3),
            Profile = new LatencyStatistics(10, 203, 192, 221, 190, 226, 3),
            DifferencePercent = 1.5,
            StageSumErrorPercent = 0.1,
            Stages =
            [
                new StageResult("forward", 300, new LatencyStatistics(10, 150, 140, 160, 139, 161, 2), 74, 1e8, 2.6e10, 173, 0.67, 71),
                new StageResult("save", 50, new LatencyStatistics(10, 5, 4, 6, 4, 6, 0.2), 2.5, 0, 0, null, null, null),
            ],
            PeakF32Gflops = 243,
            PeakF64Gflops = 121,
            PeakTensorBytes = 20_000_000,
            RequestSamplesMs = [200, 201],
            OthersShare = 0.01,
        },
        Erasures =
        [
            new ErasureResult
            {
                Mode = "paper", K = 1, FeatureWidth = 96, Solver = "auto: gram-eigen", Notes = ["d = 96 is small"], SingularValues = [120.5, 30.25],
                EnergyRemoved = 0.93, Residual = 1e-15, Orthogonality = 2e-16, Seconds = 0.2, ForwardedImages = 150, Steps = 0,
            },
        ],
        Metrics = new MetricsResult(
            ["original", "paper"],
            [
                new MetricRow(
                    "accuracy", "D_f", "%", "lower", "0", "top-1 accuracy; training rows", 150,
                    new Dictionary<string, double> { ["original"] = 97.5, ["paper"] = double.NaN }, new Dictionary<string, IReadOnlyList<double>>(),
                    new Dictionary<string, string> { ["paper"] = "no such rows" }),
                new MetricRow(
                    "KR-strong", "D_f", "%", "nearer to Retrain", "Retrain's", "accuracy of a converged head; training rows", 150,
                    new Dictionary<string, double> { ["original"] = 97.5, ["paper"] = 95.25 },
                    new Dictionary<string, IReadOnlyList<double>> { ["paper"] = [90.5, 97.75] }, new Dictionary<string, string>(),
                    new Dictionary<string, VerdictResult> { ["paper"] = new(VerdictResult.None, "", "needs a Retrain reference") }),
            ]),
        Unlearning = new UnlearningRunResult("scrub", "completed", 1.5, 12, new Dictionary<string, double> { ["epochs"] = 3 }, ["a note"]),
        Experiment = new ExperimentResult
        {
            Scenario = "incremental",
            Description = "2 requests for a class each, one after another",
            Trials = [new TrialResult(0, 42, ["class 1", "class 0"], 300, 1200)],
            Methods =
            [
                new MethodResult { Method = "original", Data = "", Trials = [], Metrics = [new StatisticResult("accuracy", "D_f", 97.5, null, 1, null)] },
                new MethodResult
                {
                    Method = "ng",
                    Data = "D_f",
                    Parameters = new Dictionary<string, double> { ["epochs"] = 5 },
                    Trials =
                    [
                        new MethodTrialResult(
                            0, 2.5,
                            [
                                new AnswerResult("class 1", "completed", 1, 5, 10, [], new Dictionary<string, double> { ["D_f"] = 3.5 }, [0.9, 1, 1.2], 600),
                                new AnswerResult("class 0", "diverged", 1.5, 1, 10, ["the loss left every bound"], new Dictionary<string, double> { ["D_f"] = double.NaN }),
                            ],
                            new AnswerResult("classes 0, 1", "completed", 1.25, 5, 20, [], null)),
                    ],
                    Metrics = [new StatisticResult("accuracy", "D_f", 3.25, 0.5, 2, "3.25 above Retrain: knowledge is left", [1.5, 5], new VerdictResult(VerdictResult.Worse, VerdictResult.Retrain, "knowledge is left"))],
                },
                new MethodResult { Method = "leace", Data = "D_f, D_r", NotApplicable = "forgets whole classes only", Trials = [], Metrics = [] },
            ],
            Metrics = [new MetricDefinition("accuracy", "D_f", "%", "lower", "0", "top-1 accuracy")],
            Claims = [new ClaimResult("ng", 11.96, 4.5, "table 5")],
        },
        CudaKernels = new CudaKernelsResult("Test GPU", false, "9.0", "12.4", 3000, 50, 25, [new CudaKernelRow("relu", 0.5, double.NaN, 2800, 0.93, 20, 0.45)], "H200"),
        Peers = new PeersResult(
            [new PeerResult("Peer 1.0", "one thread pool")],
            [
                new WorkloadResult
                {
                    Name = "forward-64", Description = "images to scores", Images = 64, Rounds = 5, Seconds = 0.5, Spread = 0.01, OthersShare = 0.02, WaitingShare = 0,
                    Sides =
                    [
                        new SideResult
                        {
                            Engine = "escnative", Variant = "eager", Threads = 2, BusyCore = false, Milliseconds = 30, ImagesPerSecond = 2133,
                            Ratio = 1, RatioLow = 1, RatioHigh = 1, Best = true,
                        },
                        new SideResult
                        {
                            Engine = "Peer 1.0", Variant = "nhwc", Threads = 2, BusyCore = false, Milliseconds = 36, ImagesPerSecond = 1778,
                            Ratio = 1.2, RatioLow = 1.1, RatioHigh = 1.3, Best = true, Difference = 2e-6, Tolerance = 1e-4, Compared = "class scores",
                        },
                    ],
                    Steps = [new StepResult("features.0.0", "conv 3x3 + relu", "direct", 1.5, 100, 120)],
                },
            ]),
        Micro = new MicroResult("BenchmarkDotNet 0.14.0", "short", [new MicroRow("Operation", "Relu", "Recording False", 250, 249, 3.5, 0, 3)]),
        Paper = PaperClaims.Table1,
        TimeClaims =
        [
            new TimeClaimResult(
                "ESC is 9.17 times as fast as LAU.", "text on figure 5", TimeClaimResult.Reference, "one NVIDIA A5000", "time of LAU / time of ESC", 9.17, 3.5, [3.25, 3.75],
                "lau 0.35 s (5 runs)", ["experiment.methods[1].trials[0].requests[0].samples"], TimeClaimResult.DoesNotHold, "another device"),
        ],
        Notes = ["a remark"],
    };

    private static EffectResult Effect(string label, string metric, string name, string verdict) => new(
        label, metric, name, "%", 97.5, 95.25, 90.5, 97.75, 96, new VerdictResult(verdict, VerdictResult.Retrain, verdict == VerdictResult.Worse ? "knowledge is left" : ""));
}
