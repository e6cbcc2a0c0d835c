using System.Globalization;

namespace EscNative.Bench.Reports;

/// <summary>A result as sections of text.</summary>
internal static class Sections
{
    /// <summary>The sections of a result, in the order in which they are read.</summary>
    public static IReadOnlyList<Section> Of(ResultDocument result)
    {
        var sections = new List<Section>();
        if (result.Findings is { } findings)
            sections.Add(Findings(findings));
        if (result.Kernels is { } kernels)
            sections.Add(KernelSections.Of(kernels));
        if (result.CudaKernels is { } cuda)
            sections.Add(CudaKernelSections.Of(cuda));
        if (result.Peers is { } peers)
            sections.AddRange(PeersSections.Of(peers));
        if (result.Micro is { } micro)
            sections.Add(MicroSections.Of(micro));
        if (result.Checkpoint is { } checkpoint)
            sections.AddRange(CheckpointSections.Of(checkpoint));
        if (result.Experiment is { } experiment)
            sections.AddRange(ExperimentSections.Of(experiment));
        if (result.Latency is { } latency)
            sections.AddRange(LatencySections.Of(latency));
        if (result.Metrics is { } metrics)
            sections.AddRange(MetricSections.Of(metrics));
        if (result.Paper is { } paper)
            sections.Add(Paper(paper));
        if (result.TimeClaims is { } claims)
            sections.Add(ExperimentSections.TimeClaims(claims));
        if (result.Unlearning is { } run && result.Erasures is null)
            sections.Add(Unlearning(run));
        if (result.Erasures is { } erasures)
            sections.Add(Erasures(erasures));
        if (result.Training is { } training)
            sections.Add(Training(training));
        sections.AddRange(result.OwnSections);
        // Where a headline says what was asked, the particulars come after the figures.
        sections.Insert(result.Headline is null ? 0 : sections.Count, Header(result));
        if (result.Notes.Count > 0)
            sections.Add(new Section("Notes", null, result.Notes));
        return sections;
    }

    private static Section Header(ResultDocument result)
    {
        var rows = new List<IReadOnlyList<string>>();
        if (result.Request is { } request)
        {
            var directions = result.Erasures is null ? "" : $", k = {request.K}{(request.P is { } p ? $" (p = {p.ToString(CultureInfo.InvariantCulture)} %)" : "")}, solver {request.Solver}";
            Add(request.Method.Length > 0 ? "asked" : "measured", request.Method.Length > 0 ? $"forget {request.Forget} with {request.Method}{directions}" : $"what is left of {request.Forget}");
            Add("images", $"{Numbers.Count(request.ForgetImages)} to forget and {Numbers.Count(request.RemainImages)} to keep of the training images, "
                + $"{Numbers.Count(request.ForgetTestImages)} and {Numbers.Count(request.RemainTestImages)} of the test images");
        }

        if (result.Data is { } data)
            Add("data", string.Join("; ", data.Notes.Prepend($"{data.Name}: {Numbers.Count(data.TrainImages)} training and {Numbers.Count(data.TestImages)} test images, {data.ClassNames.Count} classes")));
        if (result.Model is { } model)
        {
            Add("model", $"{model.Architecture}{(model.Hyperparameters is { } told ? $" ({told})" : "")}, {Numbers.Count(model.Parameters)} parameters, "
                + $"{model.FeatureWidth} features, {model.Classes} classes; {model.Source}{(model.Sha256 is { } hash ? $", SHA-256 {hash[..12]}" : "")}");
        }

        var setup = result.Setup;
        var device = !setup.Emulated ? setup.Device
            : result.Micro is null ? $"{setup.Device}, emulated: times mean nothing and are not shown"
            : $"{setup.Device}, emulated and told to do nothing: the times are the host's alone";
        Add("device", setup.DeviceReason is null ? device : $"{device} ({setup.DeviceReason})");
        Add("compute", $"{setup.Precision}, {setup.Threads} threads, seed {setup.Seed}");
        var machine = result.Machine;
        Add("machine", $"{machine.Cpu}, {machine.Cores} processors, {machine.InstructionSet}, {Numbers.Short(machine.MemoryBytes / 1e9)} GB");
        Add("system", $"{machine.Runtime}, {machine.OperatingSystem}, GC {machine.GarbageCollector}");
        Add("product", $"escnative {result.Product.Version}, commit {result.Product.Commit ?? "unknown"}, {result.Created}");
        return new Section(result.Headline is null ? $"escnative {result.Verb}" : "What was run", new TextTable(["", ""], rows), []);

        void Add(string key, string value) => rows.Add([key, value]);
    }

    private static Section Findings(IReadOnlyList<FindingResult> findings) => new(
        "Findings",
        new TextTable(
            ["", "what", "found", "fix"],
            [.. findings.Select(f => (IReadOnlyList<string>)[f.Ok ? "ok" : "no", f.Subject, f.Found, f.Fix ?? ""])]),
        []);

    private static Section Training(TrainingResult training) => new(
        "Training",
        new TextTable(
            ["", ""],
            [
                ["accuracy", $"{Numbers.Fixed(training.TrainAccuracy)} % of the training and {Numbers.Fixed(training.TestAccuracy)} % of the test images"],
                ["seconds", Numbers.Short(training.Seconds)],
                ["recipe", $"{Numbers.Count(training.Epochs)} epochs, batches of {Numbers.Count(training.Batch)}, learning rate {Numbers.Short(training.LearningRate)}, weight decay {Numbers.Short(training.WeightDecay)}; loss at the end {Numbers.Short(training.Loss)}"],
            ]),
        training.Resumed ? ["Resumed from a checkpoint; the seconds are those of this run."] : []);

    private static Section Unlearning(UnlearningRunResult run) => new(
        $"Method {run.Method}",
        new TextTable(
            ["", ""],
            [
                ["ended", run.Outcome], ["seconds", Numbers.Short(run.Seconds)], ["steps", Numbers.Count(run.Steps)],
                .. run.Parameters.Select(p => (IReadOnlyList<string>)[p.Key, p.Value.ToString("R", CultureInfo.InvariantCulture)]),
            ]),
        run.Notes);

    private static Section Erasures(IReadOnlyList<ErasureResult> erasures) => new(
        "Spectrum and solver",
        new TextTable(
            ["", " k", " of width", "solver", " energy removed %", " residual", " orthogonality", " seconds"],
            [.. erasures.Select(e => (IReadOnlyList<string>)
            [
                $"{e.Mode} mode", Numbers.Count(e.K), Numbers.Count(e.FeatureWidth), e.Solver, Numbers.Fixed(100 * e.EnergyRemoved),
                Numbers.Tiny(e.Residual), Numbers.Tiny(e.Orthogonality), Numbers.Short(e.Seconds),
            ])]),
        [
            .. erasures.SelectMany(e => e.Notes.Select(note => $"{e.Mode}: {note}")),
            .. erasures.Select(e => $"{e.Mode}: largest singular values of the features to forget: {string.Join(", ", e.SingularValues.Select(s => Numbers.Short(s)))}"),
        ])
    {
        IsDetail = true,
        Chart = erasures[0].SingularValues.Count < 2 ? null : new BarChart(
            $"Largest singular values, mode {erasures[0].Mode}",
            "",
            [.. erasures[0].SingularValues.Select((s, i) => ((i + 1).ToString(CultureInfo.InvariantCulture), s))]),
    };

    private static Section Paper(IReadOnlyList<PaperRow> rows)
    {
        // What all rows share stands in the title.
        var shared = rows.Select(r => r.Setting).Distinct().Count() == 1;
        return new Section(
            $"The paper's own figures (CVPR 2025, table 1{(shared ? $": {rows[0].Setting}" : "")})",
            new TextTable(
                [.. shared ? [] : (string[])["setting"], "method", " D_f", " D_r", " D_ft", " D_rt", " HM", " HM_t", " KR D_f", " KR D_r"],
                [.. rows.Select(r => (IReadOnlyList<string>)
                [
                    .. shared ? [] : (string[])[r.Setting], r.Method, Numbers.Fixed(r.ForgetTrain), Numbers.Fixed(r.RemainTrain), Numbers.Fixed(r.ForgetTest), Numbers.Fixed(r.RemainTest),
                    Numbers.Fixed(r.Hm), Numbers.Fixed(r.HmTest), Numbers.Fixed(r.KrForget), Numbers.Fixed(r.KrRemain),
                ])]),
            [PaperClaims.RunTime]);
    }
}
