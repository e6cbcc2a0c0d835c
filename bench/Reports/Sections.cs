using System.Globalization;

namespace EscNative.Bench.Reports;

/// <summary>A result as sections of text.</summary>
internal static class Sections
{
    /// <summary>The sections of a result, in the order in which they are read.</summary>
    public static IReadOnlyList<Section> Of(ResultDocument result)
    {
        var sections = new List<Section> { Header(result) };
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
        if (result.Training is { } training)
            sections.Add(Training(training));
        if (result.Latency is { } latency)
            sections.AddRange(LatencySections.Of(latency));
        if (result.Unlearning is { } run && result.Erasures is null)
            sections.Add(Unlearning(run));
        if (result.Erasures is { } erasures)
            sections.Add(Erasures(erasures));
        if (result.Metrics is { } metrics)
            sections.Add(Metrics(metrics));
        if (result.Experiment is { } experiment)
            sections.AddRange(ExperimentSections.Of(experiment));
        if (result.Paper is { } paper)
            sections.Add(Paper(paper));
        if (result.TimeClaims is { } claims)
            sections.Add(ExperimentSections.TimeClaims(claims));
        sections.AddRange(result.OwnSections);
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
        return new Section($"escnative {result.Verb}", new TextTable(["", ""], rows), []);

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
            [" epochs", " batch", " learning rate", " weight decay", " seconds", " loss", " train %", " test %"],
            [[
                Numbers.Count(training.Epochs), Numbers.Count(training.Batch), Numbers.Short(training.LearningRate), Numbers.Short(training.WeightDecay),
                Numbers.Short(training.Seconds), Numbers.Short(training.Loss), Numbers.Fixed(training.TrainAccuracy), Numbers.Fixed(training.TestAccuracy),
            ]]),
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
            ["mode", " k", " of width", "solver", " energy removed %", " residual", " orthogonality", " seconds"],
            [.. erasures.Select(e => (IReadOnlyList<string>)
            [
                e.Mode, Numbers.Count(e.K), Numbers.Count(e.FeatureWidth), e.Solver, Numbers.Fixed(100 * e.EnergyRemoved),
                Numbers.Tiny(e.Residual), Numbers.Tiny(e.Orthogonality), Numbers.Short(e.Seconds),
            ])]),
        [
            .. erasures.SelectMany(e => e.Notes.Select(note => $"{e.Mode}: {note}")),
            .. erasures.Select(e => $"{e.Mode}: largest singular values of the features to forget: {string.Join(", ", e.SingularValues.Select(s => Numbers.Short(s)))}"),
        ])
    {
        Chart = erasures[0].SingularValues.Count < 2 ? null : new BarChart(
            $"Largest singular values, mode {erasures[0].Mode}",
            "",
            [.. erasures[0].SingularValues.Select((s, i) => ((i + 1).ToString(CultureInfo.InvariantCulture), s))]),
    };

    private static Section Metrics(MetricsResult metrics) => new(
        "What is left",
        new TextTable(
            ["metric", "of", " images", .. metrics.Columns.Select(column => " " + column), "ideal", "better"],
            [.. metrics.Rows.Select(row => (IReadOnlyList<string>)
            [
                row.Unit.Length > 0 ? $"{row.Metric} {row.Unit}" : row.Metric, row.Name, Numbers.Count(row.Count),
                .. metrics.Columns.Select(column => ValueAndInterval(row, column)), row.Ideal, row.Direction,
            ])]),
        [
            .. metrics.Rows.Any(row => row.Intervals is { Count: > 0 }) ? (string[])["In brackets: 95 % confidence intervals (JSON: intervals)."] : [],
            .. Survival(metrics), .. Definitions(metrics),
        ]);

    private static string Value(MetricRow row, string column)
    {
        var value = row.Values.GetValueOrDefault(column, double.NaN);
        return row.Unit == "%" ? Numbers.Fixed(value) : Numbers.Short(value);
    }

    // With its 95 % confidence interval, where it has one.
    private static string ValueAndInterval(MetricRow row, string column)
    {
        if (row.Intervals is null || !row.Intervals.TryGetValue(column, out var interval))
            return Value(row, column);
        Func<double?, string> text = row.Unit == "%" ? value => Numbers.Tenths(value) : Numbers.Short;
        return $"{Value(row, column)} ({text(interval[0])}-{text(interval[1])})";
    }

    // The strongest probe is the one to believe: say in words what it finds.
    private static IEnumerable<string> Survival(MetricsResult metrics)
    {
        var rows = metrics.Rows.Where(row => row is { Metric: "KR-strong", Name: "D_f" or "D_ft" }).ToArray();
        if (rows.Length == 0)
            yield break;
        yield return "KR-strong shows what survives: the share of the images to forget that a linear head recognises when it is trained to convergence on these "
            + "features. KR-official, the paper's probe, stops long before.";
        foreach (var row in rows)
        {
            var found = metrics.Columns.Where(column => double.IsFinite(row.Values.GetValueOrDefault(column, double.NaN)))
                .Select(column => $"{column} {Value(row, column)} %{(row.Remarks.TryGetValue(column, out var remark) ? $" ({remark})" : "")}");
            yield return $"KR-strong of the {(row.Name == "D_f" ? "training" : "test")} images to forget: {string.Join(", ", found)}.";
        }
    }

    // A metric's numbers share one definition up to its last clause, which says over which images.
    private static IEnumerable<string> Definitions(MetricsResult metrics) => metrics.Rows
        .Select(row => (row.Metric, Text: row.Definition.LastIndexOf(';') is > 0 and var end ? row.Definition[..end] : row.Definition))
        .Distinct()
        .Select(d => $"{d.Metric}: {d.Text}")
        .Append("D_f and D_r: training images to forget and to keep; D_ft and D_rt: test images of forgotten and of other classes; HM, HM_t: harmonic means of 100 - forgotten and kept.");

    private static Section Paper(IReadOnlyList<PaperRow> rows) => new(
        "The paper's own figures (CVPR 2025, table 1)",
        new TextTable(
            ["setting", "method", " D_f", " D_r", " D_ft", " D_rt", " HM", " HM_t", " KR D_f", " KR D_r"],
            [.. rows.Select(r => (IReadOnlyList<string>)
            [
                r.Setting, r.Method, Numbers.Fixed(r.ForgetTrain), Numbers.Fixed(r.RemainTrain), Numbers.Fixed(r.ForgetTest), Numbers.Fixed(r.RemainTest),
                Numbers.Fixed(r.Hm), Numbers.Fixed(r.HmTest), Numbers.Fixed(r.KrForget), Numbers.Fixed(r.KrRemain),
            ])]),
        [PaperClaims.RunTime]);
}
