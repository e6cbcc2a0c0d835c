using System.Globalization;
using System.Text.Json;
using EscNative.Bench.Reports;

namespace EscNative.Tests.Bench;

public sealed class ResultJsonTests
{
    [Fact]
    public void What_is_written_reads_back_equal()
    {
        var json = ResultJson.Serialize(SampleResult.Create());
        Assert.Equal(json, ResultJson.Serialize(ResultJson.Parse(json)));
    }

    [Fact]
    public void Field_names_and_their_order_are_a_contract()
    {
        // Scripts read these names: a change here is a new schema version.
        string[] expected =
        [
            "schema", "verb", "product", "product.version", "product.commit", "created", "machine", "machine.cpu", "machine.cores",
            "machine.instructionSet", "machine.memoryBytes", "machine.operatingSystem", "machine.runtime", "machine.garbageCollector", "setup",
            "setup.deviceRequested", "setup.device", "setup.deviceReason", "setup.threads", "setup.precision", "setup.seed", "setup.emulated",
            "headline", "headline.asked", "headline.images", "headline.setting", "headline.latency", "headline.latency.medianMs", "headline.latency.lowMs", "headline.latency.highMs", "headline.latency.coldMs", "headline.latency.runs", "headline.relations", "headline.relations.to", "headline.relations.milliseconds", "headline.relations.ratio", "headline.relations.against", "headline.relations.claimed", "headline.relations.measured", "headline.relations.note", "headline.effects", "headline.effects.label", "headline.effects.metric", "headline.effects.name", "headline.effects.unit", "headline.effects.before", "headline.effects.after", "headline.effects.low", "headline.effects.high", "headline.effects.retrain", "headline.effects.verdict", "headline.effects.verdict.verdict", "headline.effects.verdict.against", "headline.effects.verdict.why",
            "headline.attacks", "headline.attacks.label", "headline.attacks.metric", "headline.attacks.name", "headline.attacks.unit", "headline.attacks.before", "headline.attacks.after", "headline.attacks.low", "headline.attacks.high", "headline.attacks.retrain", "headline.attacks.verdict", "headline.attacks.verdict.verdict", "headline.attacks.verdict.against", "headline.attacks.verdict.why",
            "headline.stages", "headline.stages.name", "headline.stages.label", "headline.stages.milliseconds", "headline.stages.percent", "headline.methods", "headline.methods.method", "headline.methods.milliseconds", "headline.methods.timesEsc", "headline.methods.claimedTimesEsc", "headline.methods.outcome",
            "headline.methods.effects", "headline.methods.effects.label", "headline.methods.effects.metric", "headline.methods.effects.name", "headline.methods.effects.unit", "headline.methods.effects.before", "headline.methods.effects.after", "headline.methods.effects.low", "headline.methods.effects.high", "headline.methods.effects.retrain", "headline.methods.effects.verdict", "headline.methods.effects.verdict.verdict", "headline.methods.effects.verdict.against", "headline.methods.effects.verdict.why",
            "headline.methods.attacks", "headline.methods.attacks.label", "headline.methods.attacks.metric", "headline.methods.attacks.name", "headline.methods.attacks.unit", "headline.methods.attacks.before", "headline.methods.attacks.after", "headline.methods.attacks.low", "headline.methods.attacks.high", "headline.methods.attacks.retrain", "headline.methods.attacks.verdict", "headline.methods.attacks.verdict.verdict", "headline.methods.attacks.verdict.against", "headline.methods.attacks.verdict.why",
            "headline.methods.verdict", "headline.warnings", "headline.verdict",
            "data", "data.name",
            "data.trainImages", "data.testImages", "data.classNames", "data.notes", "model", "model.architecture", "model.width", "model.parameters",
            "model.featureWidth", "model.classes", "model.source", "model.sha256", "model.hyperparameters", "request", "request.method", "request.forgetClasses", "request.forget",
            "request.forgetImages", "request.remainImages", "request.forgetTestImages", "request.remainTestImages", "request.p", "request.k",
            "request.solver", "training", "training.epochs", "training.batch", "training.learningRate", "training.weightDecay", "training.seconds",
            "training.loss", "training.trainAccuracy", "training.testAccuracy", "training.resumed", "latency", "latency.warmupRuns", "latency.warmupEnd",
            "latency.coldMs", "latency.request", "latency.request.count", "latency.request.median", "latency.request.p05", "latency.request.p95",
            "latency.request.minimum", "latency.request.maximum", "latency.request.mad", "latency.profile", "latency.profile.count",
            "latency.profile.median", "latency.profile.p05", "latency.profile.p95", "latency.profile.minimum", "latency.profile.maximum",
            "latency.profile.mad", "latency.differencePercent", "latency.stageSumErrorPercent", "latency.stages", "latency.stages.name",
            "latency.stages.coldMs", "latency.stages.time", "latency.stages.time.count", "latency.stages.time.median", "latency.stages.time.p05",
            "latency.stages.time.p95", "latency.stages.time.minimum", "latency.stages.time.maximum", "latency.stages.time.mad",
            "latency.stages.sharePercent", "latency.stages.bytes", "latency.stages.flops", "latency.stages.gflops", "latency.stages.gigabytesPerSecond",
            "latency.stages.peakPercent", "latency.peakF32Gflops", "latency.peakF64Gflops", "latency.peakTensorBytes", "latency.requestSamplesMs", "latency.othersShare", "unlearning", "unlearning.method", "unlearning.outcome", "unlearning.seconds",
            "unlearning.steps", "unlearning.parameters", "unlearning.parameters.epochs", "unlearning.notes", "erasures", "erasures.mode",
            "erasures.k", "erasures.featureWidth", "erasures.solver", "erasures.notes", "erasures.singularValues", "erasures.energyRemoved",
            "erasures.residual", "erasures.orthogonality", "erasures.seconds", "erasures.forwardedImages", "erasures.steps", "metrics", "metrics.columns", "metrics.rows", "metrics.rows.metric",
            "metrics.rows.name", "metrics.rows.unit", "metrics.rows.direction", "metrics.rows.ideal", "metrics.rows.definition", "metrics.rows.count",
            "metrics.rows.values", "metrics.rows.values.original", "metrics.rows.values.paper", "metrics.rows.intervals", "metrics.rows.remarks",
            "metrics.rows.remarks.paper", "metrics.rows.intervals.paper", "metrics.rows.verdicts", "metrics.rows.verdicts.paper", "metrics.rows.verdicts.paper.verdict", "metrics.rows.verdicts.paper.against", "metrics.rows.verdicts.paper.why", "experiment", "experiment.scenario", "experiment.description", "experiment.trials", "experiment.trials.index", "experiment.trials.seed",
            "experiment.trials.requests", "experiment.trials.forgetImages", "experiment.trials.remainImages", "experiment.methods",
            "experiment.methods.method", "experiment.methods.data", "experiment.methods.parameters", "experiment.methods.trials", "experiment.methods.metrics",
            "experiment.methods.metrics.metric", "experiment.methods.metrics.name", "experiment.methods.metrics.mean", "experiment.methods.metrics.trials",
            "experiment.methods.parameters.epochs", "experiment.methods.trials.trial", "experiment.methods.trials.seconds",
            "experiment.methods.trials.requests", "experiment.methods.trials.requests.request", "experiment.methods.trials.requests.outcome",
            "experiment.methods.trials.requests.seconds", "experiment.methods.trials.requests.runs", "experiment.methods.trials.requests.steps",
            "experiment.methods.trials.requests.notes", "experiment.methods.trials.requests.accuracies", "experiment.methods.trials.requests.accuracies.D_f",
            "experiment.methods.trials.requests.samples", "experiment.methods.trials.requests.forwardedImages",
            "experiment.methods.trials.joint", "experiment.methods.trials.joint.request", "experiment.methods.trials.joint.outcome",
            "experiment.methods.trials.joint.seconds", "experiment.methods.trials.joint.runs", "experiment.methods.trials.joint.steps",
            "experiment.methods.trials.joint.notes", "experiment.methods.metrics.deviation", "experiment.methods.metrics.remark", "experiment.methods.metrics.interval", "experiment.methods.metrics.verdict",
            "experiment.methods.metrics.verdict.verdict", "experiment.methods.metrics.verdict.against", "experiment.methods.metrics.verdict.why",
            "experiment.methods.notApplicable", "experiment.metrics", "experiment.metrics.metric", "experiment.metrics.name", "experiment.metrics.unit",
            "experiment.metrics.direction", "experiment.metrics.ideal", "experiment.metrics.definition", "experiment.claims", "experiment.claims.method",
            "experiment.claims.claimed", "experiment.claims.measured", "experiment.claims.source", "paper", "paper.setting", "paper.method", "paper.forgetTrain", "paper.remainTrain", "paper.forgetTest", "paper.remainTest", "paper.hm",
            "paper.hmTest", "paper.krForget", "paper.krRemain", "timeClaims", "timeClaims.claim", "timeClaims.where", "timeClaims.basis", "timeClaims.setting", "timeClaims.form",
            "timeClaims.claimed", "timeClaims.measured", "timeClaims.interval", "timeClaims.here", "timeClaims.samples", "timeClaims.verdict", "timeClaims.reason", "cudaKernels", "cudaKernels.device", "cudaKernels.emulated", "cudaKernels.computeCapability", "cudaKernels.driver",
            "cudaKernels.copyGigabytesPerSecond", "cudaKernels.f32Tflops", "cudaKernels.f64Tflops", "cudaKernels.rows", "cudaKernels.rows.name",
            "cudaKernels.rows.milliseconds", "cudaKernels.rows.tflops", "cudaKernels.rows.gigabytesPerSecond", "cudaKernels.rows.ceilingShare",
            "cudaKernels.rows.samples", "cudaKernels.rows.predictedMilliseconds", "cudaKernels.predictedFor", "peers", "peers.engines", "peers.engines.name", "peers.engines.software", "peers.workloads",
            "peers.workloads.name", "peers.workloads.description", "peers.workloads.images", "peers.workloads.rounds", "peers.workloads.seconds",
            "peers.workloads.spread", "peers.workloads.othersShare", "peers.workloads.waitingShare", "peers.workloads.sides",
            "peers.workloads.sides.engine", "peers.workloads.sides.variant", "peers.workloads.sides.threads", "peers.workloads.sides.busyCore",
            "peers.workloads.sides.milliseconds", "peers.workloads.sides.imagesPerSecond", "peers.workloads.sides.ratio",
            "peers.workloads.sides.ratioLow", "peers.workloads.sides.ratioHigh", "peers.workloads.sides.best", "peers.workloads.sides.difference",
            "peers.workloads.sides.tolerance", "peers.workloads.sides.compared", "peers.workloads.steps",
            "peers.workloads.steps.name", "peers.workloads.steps.kind", "peers.workloads.steps.algorithm", "peers.workloads.steps.milliseconds",
            "peers.workloads.steps.sharePercent", "peers.workloads.steps.gflops", "micro", "micro.engine", "micro.job", "micro.rows", "micro.rows.suite",
            "micro.rows.name", "micro.rows.parameters", "micro.rows.meanNanoseconds", "micro.rows.medianNanoseconds", "micro.rows.errorNanoseconds",
            "micro.rows.allocatedBytes", "micro.rows.iterations", "notes",
        ];
        using var document = JsonDocument.Parse(ResultJson.Serialize(SampleResult.Create()));
        var names = new List<string>();
        Collect(document.RootElement, "", names);
        Assert.Equal(expected, names.Distinct());
    }

    [Fact]
    public void A_value_that_is_not_defined_is_null_and_reads_back_as_not_defined()
    {
        var json = ResultJson.Serialize(SampleResult.Create());
        Assert.DoesNotContain("NaN", json, StringComparison.Ordinal);
        Assert.Contains("\"paper\": null", json, StringComparison.Ordinal);
        Assert.True(double.IsNaN(ResultJson.Parse(json).Metrics!.Rows[0].Values["paper"]));
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    public void The_text_does_not_depend_on_the_culture(string culture)
    {
        var expected = (ResultJson.Serialize(SampleResult.Create()), HtmlReport.Render(SampleResult.Create()));
        var before = CultureInfo.CurrentCulture;
        try
        {
            // Without the system's culture data (invariant globalisation), a decimal comma and a point between thousands do it.
            var foreign = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            foreign.NumberFormat.NumberDecimalSeparator = ",";
            foreign.NumberFormat.NumberGroupSeparator = culture == "de-DE" ? "." : " ";
            foreign.NumberFormat.NegativeSign = culture == "de-DE" ? "-" : "\u2212";
            CultureInfo.CurrentCulture = foreign;
            Assert.Equal(expected, (ResultJson.Serialize(SampleResult.Create()), HtmlReport.Render(SampleResult.Create())));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"schema\": \"escnative.result/2\"}")]
    [InlineData("[]")]
    [InlineData("not json")]
    public void Anything_else_is_bad_input(string json) =>
        Assert.Equal(ErrorCode.BadInput, Assert.Throws<EscException>(() => ResultJson.Parse(json)).Code);

    private static void Collect(JsonElement element, string path, List<string> names)
    {
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                var name = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
                names.Add(name);
                Collect(property.Value, name, names);
            }
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
                Collect(item, path, names);
        }
    }
}
