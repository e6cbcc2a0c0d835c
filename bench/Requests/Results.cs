using System.Globalization;
using EscNative.Bench.Reports;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Metrics;
using EscNative.Unlearning.Metrics.Reports;

namespace EscNative.Bench.Requests;

/// <summary>What the libraries return, as parts of a result document.</summary>
internal static class Results
{
    private const int ShownSingularValues = 16;
    private const string Original = "original";
    private const string Retrain = "retrain";
    private const string Unknown = "unknown";

    /// <summary>The images.</summary>
    public static DataResult Of(DataSet data, string path) => new(
        path == EmbeddedData.Name ? $"{data.Name} (embedded)" : $"{data.Name} ({Setup.NameOf(path)})",
        data.Train.Count, data.Test.Count, [.. data.ClassNames], data.Notes);

    /// <summary>A network and where it came from.</summary>
    public static ModelResult Of(Classifier model, string source, string? sha256) => new(
        model.Description.Architecture, WidthOf(model.Description), model.ParameterCount, model.FeatureWidth, model.Classes, source, sha256,
        model.Description.Data?.ToString(), model.Forgotten.Count == 0 ? null : [.. model.Forgotten.Select(Of)],
        model.Description.Hyperparameters.ToString() is { Length: > 0 } told ? told : null);

    // Not every network has one.
    private static double WidthOf(ModelDescription description) =>
        description.Hyperparameters.Values.FirstOrDefault(v => v.Name == "width").Value is { } width ? double.Parse(width, CultureInfo.InvariantCulture) : double.NaN;

    private static ForgottenResult Of(ForgetRecord record) => new(
        record.Method, record.Request, record.Classes.Count > 0 ? record.Classes : null, record.Indices.Length > 0 ? record.Indices : null, record.Images);

    /// <summary>A request.</summary>
    public static RequestResult Of(ErasureJob job, ForgetSplit split, UnlearningResult result)
    {
        return Of(split) with
        {
            Method = job.Method,
            P = job.Options.Percent ?? (job.Options.Directions is null && result.Subspace is not null ? Esc.DefaultPercent : null),
            K = result.Subspace?.K ?? 0,
            Solver = job.Options.Solver,
        };
    }

    /// <summary>What is measured as forgotten, where no method runs.</summary>
    public static RequestResult Of(ForgetSplit split) => new(
        "", split.Request.Classes.ToArray(), ForgottenNotes.Words(split), split.Forget.Count, split.Remain.Count, split.ForgetTest.Count, split.RemainTest.Count,
        null, 0, "", [.. split.Request.Classes.ToArray().Select(c => split.Data.ClassNames[c])]);

    /// <summary>An erasure and its certificate.</summary>
    public static ErasureResult Of(UnlearningMode mode, UnlearningResult result)
    {
        var subspace = result.Subspace ?? throw new InvalidOperationException($"{result.Method} removed no directions");
        return new ErasureResult
        {
            Mode = NameOf(mode),
            K = subspace.K,
            FeatureWidth = subspace.Dimension,
            Solver = subspace.Solver,
            Notes = result.Notes,
            SingularValues = [.. subspace.SingularValues.Take(ShownSingularValues)],
            EnergyRemoved = subspace.EnergyRemoved,
            Residual = subspace.Residual,
            Orthogonality = subspace.Orthogonality,
            Seconds = result.Seconds,
            Steps = result.Steps,
        };
    }

    /// <summary>What a method did.</summary>
    public static UnlearningRunResult Of(UnlearningResult result) => new(
        result.Method, result.Outcome == UnlearningOutcome.Diverged ? "diverged" : "completed", result.Seconds, result.Steps, result.Parameters, result.Notes);

    /// <summary>Metrics of several models beside the Original's.</summary>
    /// <param name="original">The model before the request.</param>
    /// <param name="retrain">A model trained without what is to be forgotten, or null.</param>
    /// <param name="erased">The erased models, by the names of their columns.</param>
    public static MetricsResult Of(Evaluation original, Evaluation? retrain, params IReadOnlyList<(string Name, Evaluation Evaluation)> erased)
    {
        var reports = erased.Select(e => (e.Name, Report: MetricReport.Compare(original, e.Evaluation, retrain))).ToArray();
        string[] columns = [Original, .. reports.Select(r => r.Name), .. retrain is null ? [] : (string[])[Retrain]];
        return new MetricsResult(columns, Rows(reports, columns));
    }

    /// <summary>Metrics of one model that has nothing beside it.</summary>
    public static MetricsResult Of(Evaluation model) =>
        new(["model"], Rows([("model", MetricReport.Compare(model, model))], ["model"]));

    /// <summary>The name of a mode on the command line.</summary>
    public static string NameOf(UnlearningMode mode) => mode == UnlearningMode.Official ? "official" : "paper";

    private static MetricRow[] Rows((string Name, MetricReport Report)[] reports, string[] columns)
    {
        return [.. reports[0].Report.Rows.Select(row =>
        {
            var values = new Dictionary<string, double>();
            var intervals = new Dictionary<string, IReadOnlyList<double>>();
            var remarks = new Dictionary<string, string>();
            var verdicts = new Dictionary<string, VerdictResult>();
            if (columns.Contains(Original))
                values[Original] = row.Original ?? double.NaN;
            foreach (var (name, report) in reports)
            {
                var own = report.Find(row.Metric, row.Name)!;
                values[name] = own.Value ?? double.NaN;
                if (own.Interval is { } interval)
                    intervals[name] = [interval.Low, interval.High];
                if (own.Notes.Length > 0)
                    remarks[name] = own.Notes;
                // One model alone has nothing to be judged beside.
                if (columns.Contains(Original))
                    verdicts[name] = Verdicts.Of(own);
            }

            if (columns.Contains(Retrain))
                values[Retrain] = row.Retrain ?? double.NaN;
            return new MetricRow(row.Metric, row.Name, row.Unit, Words(row), IdealOf(row), row.Definition, row.N, values, intervals, remarks, verdicts);
        })];
    }

    /// <summary>Which way is better, in words. Where only a Retrain reference would tell and there is none, nothing is said of it.</summary>
    public static string Words(MetricResult row) => row.Direction switch
    {
        MetricDirection.Lower => "lower",
        MetricDirection.Higher => "higher",
        _ => row.Retrain is null ? Unknown : "nearer to Retrain",
    };

    /// <summary>The value to hope for, in words.</summary>
    public static string IdealOf(MetricResult row) => row.Direction == MetricDirection.CloserToRetrain && row.Retrain is null ? Unknown : row.Ideal;
}
