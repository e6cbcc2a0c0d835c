using System.Diagnostics;
using System.Globalization;
using EscNative.Engine;
using EscNative.Kernels.Cuda.Driver;
using EscNative.Models;
using EscNative.Models.Erasure;
using EscNative.Unlearning.Masks;
using EscNative.Unlearning.Subspaces;
using EscNative.Unlearning.Training;

namespace EscNative.Unlearning.Methods;

/// <summary>ESC-T: learns which entries of the forgetting features' directions to keep (CVPR 2025, equations 4 to 6).</summary>
/// <remarks>
/// U holds all d directions of the forgetting features. A mask M of ones, of the same size, descends the negated cross-entropy of those
/// rows that the head still gets right with the features A(Aᵀz), A = U ⊙ M; each entry is held in [0, 1]. It ends when no row is right
/// after an epoch, or at a limit; then M becomes 1 where it is above tau, else 0. The backbone is not run again: features are computed
/// once, or once an epoch where the augmentation asks for it; on a GPU they stay there, with their Gram matrix. A Aᵀ is no projection; a further request multiplies with it in order.
/// <para>
/// Official mode keeps the released code's order of operations (commit 29c66b8): the basis from a pass in training mode; the first epoch
/// in training mode as well, so that running statistics move twice; the first step of all with AᵀA in place of A Aᵀ (that one step
/// depends on the arbitrary signs of the directions); evaluation mode, with those statistics, from the first check on; each epoch and
/// each check on flips of their own. Not reproduced: the bits of PyTorch's random numbers and of its float32 SVD, hence the signs; and
/// its learning rate of 0.001, which is a parameter like any other and does not finish in 50 epochs on All-CNN.
/// </para>
/// <para>
/// The default learning rate, 1, was searched on All-CNN (d = 96) on CIFAR-10, where every rate from 0.1 to 100 ends within two epochs; at
/// 30 and above it is one or two steps, and the threshold may bring images back. See <c>bench/results</c>.
/// </para>
/// </remarks>
public sealed class EscT : IUnlearningMethod
{
    private static readonly string[] KnownSolvers = ["auto", "gram-eigen", "svd"];

    // They may change between runs: they have no influence on the epochs that are done.
    private static readonly string[] Limits = ["epochs", "seconds", "tau"];

    /// <inheritdoc/>
    public string Name => "esc-t";

    /// <inheritdoc/>
    public string Description => "ESC-T: learn a mask over the forgetting data's principal directions until none of it is recognised (CVPR 2025, section 3.4)";

    /// <inheritdoc/>
    public DataUse DataUse => DataUse.ForgetOnly;

    /// <inheritdoc/>
    public IReadOnlyList<MethodParameter> Parameters { get; } =
    [
        new("learning-rate", 1, "the step of the mask along its gradient; the released code has 0.001") { Maximum = 1e6 },
        new("epochs", 50, "the most epochs over the forgetting data") { IsWhole = true, Maximum = 1e6 },
        new("batch", 64, "rows of a step") { IsWhole = true, Minimum = 1, Maximum = 1 << 20 },
        new("tau", 0.7, "mask entries above it are kept") { Maximum = 1 },
        new("seconds", 0, "no epoch begins after so many seconds of training; 0 for no limit"),
        new("shuffle", 1, "1: every epoch has a random order of its own; 0: the data's order") { IsWhole = true, Maximum = 1 },
        new("augmentation", 0, "0: test transform; 1: flips, from features of both images; 2: flips, 3: crops and flips, features anew in each epoch") { IsWhole = true, Maximum = 3 },
    ];

    /// <inheritdoc/>
    public bool KeepsCheckpoint => true;

    /// <inheritdoc/>
    public void CheckOptions(UnlearningOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _ = MethodParameters.Of(this, options);
        if (options.Percent is not null || options.Directions is not null)
            throw new UsageException("esc-t: got a number of directions (p or k); it masks entries of all of them, and takes none");
        if (!KnownSolvers.Contains(options.Solver))
            throw new UsageException($"esc-t: got solver '{options.Solver}', wants one of {string.Join(", ", KnownSolvers)}: it needs all directions");
        if (options.Mode == UnlearningMode.Official && (options.Parameters.ContainsKey("augmentation") || options.Parameters.ContainsKey("shuffle")))
            throw new UsageException("esc-t: official mode has the released code's order and flips; augmentation and shuffle belong to paper mode");
    }

    /// <inheritdoc/>
    public UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default)
    {
        var started = Stopwatch.GetTimestamp();
        using var span = RequestSpan.Begin(this, context);
        CheckOptions(context.Options);
        var p = MethodParameters.Of(this, context.Options);
        RequestOptions.RequireCheckpoint(this, context);
        RequestOptions.RefuseNothing(this, context);
        var (model, official) = (context.Model, context.Options.Mode == UnlearningMode.Official);
        // Before official mode's passes change the model.
        var checkpoint = context.CheckpointPath is { } path
            ? new RunCheckpoint(path, "mask", "ESC-T", MethodIdentity.Of(this, context, p, model, Limits))
            : null;
        // A request that fails or is cancelled must leave the model as it was, its running statistics too.
        using var before = official ? RunningStatistics.Of(model) : null;
        try
        {
            var (gpu, solver) = (CudaInterop.ContextOf(model.Device), context.Options.Solver);
            var pass = new ForgetPass(context, progress, cancel);
            using var rows = official
                ? ForgetRows.ForOfficial(pass, p.Whole("batch"), NeedsRows(solver))
                : ForgetRows.ForPaper(pass, (MaskAugmentation)p.Whole("augmentation"), p["shuffle"] == 1, NeedsRows(solver));
            double[] basis;
            using (context.Stage("solve"))
                basis = SquareBasis(rows.Basis, solver, gpu, cancel);
            var settings = new MaskSettings
            {
                Rate = (float)p["learning-rate"],
                Epochs = p.Whole("epochs"),
                Batch = p.Whole("batch"),
                Seconds = p["seconds"],
                FirstStepTransposed = official,
            };
            using var training = new MaskTraining(
                basis, model.Head.Weight.Value.ToArray(), model.Head.Bias?.Value.ToArray() ?? new float[model.Classes], model.FeatureWidth,
                gpu, settings, context.Recorder);
            var (state, earlier) = Train(training, context, checkpoint, rows, p, started, progress, cancel);
            var learned = Judge(training, rows, state, (float)p["tau"]);
            cancel.ThrowIfCancellationRequested();
            using (context.Stage("apply"))
            {
                var factor = ErasureFactor.Masked(KeptColumns(basis, learned.Kept, model.FeatureWidth), model.FeatureWidth, Origin(context, p, learned));
                model.Erase(new ErasureOperator(model.FeatureWidth, factor));
            }

            context.Remember(this);
            return RequestSpan.End(span, new UnlearningResult
            {
                Method = Name,
                Images = context.Forget.Count,
                Seconds = earlier + Stopwatch.GetElapsedTime(started).TotalSeconds,
                Parameters = p.Values,
                Steps = state.Updates,
                Notes = [.. Notes(context, learned, settings.Epochs)],
            });
        }
        catch
        {
            before?.Restore(model);
            throw;
        }
    }

    /// <summary>All directions of the features, also those that no feature has a part in: [d, d], orthonormal. Found where the features are:
    /// of a small matrix, and where a GPU has no cuSOLVER, on the CPU.</summary>
    internal static double[] SquareBasis(SubspaceProblem problem, string solver, CudaContext? gpu = null, CancellationToken cancel = default)
    {
        var (count, d) = (problem.Count, problem.Dimension);
        if (!NeedsRows(solver))
        {
            var pairs = solver == "auto" ? AutoSolver.Choose(d, d, gpu).Solver : Solvers.GramEigen(gpu);
            return pairs.Compute(problem, d, cancel).Vectors;
        }

        var spectrum = Solvers.Svd(gpu).Compute(problem, d, cancel);
        // What float64 shows is orthonormal and stays, though float32 features do not determine all of it: here a direction more does no harm.
        var limit = Math.Max(count, d) * Math.ScaleB(1, -52) * spectrum.SingularValues[0];
        var rank = spectrum.SingularValues.Count(value => value > limit);
        var found = new double[d * rank];
        var identity = new double[d * d];
        for (var i = 0; i < d; i++)
        {
            Array.Copy(spectrum.Vectors, i * spectrum.Columns, found, i * rank, rank);
            identity[(i * d) + i] = 1;
        }

        return rank == d ? found : Basis.Append(found, identity, d, out _);
    }

    private static bool NeedsRows(string solver) => solver == "svd";

    /// <returns>The soft mask, and the seconds of the runs that this one goes on from.</returns>
    private static (MaskState State, double Earlier) Train(
        MaskTraining training, UnlearningContext context, RunCheckpoint? checkpoint, ForgetRows rows, MethodParameters p, long started, IProgress<StageProgress>? progress,
        CancellationToken cancel)
    {
        var d = context.Model.FeatureWidth;
        if (HasNoFeature(rows))
            return (MaskState.Start(d * d), 0);
        var (state, earlier) = context.Resume ? MaskState.Load(checkpoint!, d, p.Whole("epochs")) : (MaskState.Start(d * d), 0);
        state = training.Run(
            state,
            rows,
            done =>
            {
                if (checkpoint is not null)
                    done.Save(checkpoint, d, earlier + Stopwatch.GetElapsedTime(started).TotalSeconds);
                progress?.Report(new StageProgress("mask", done.Epochs, p.Whole("epochs")));
            },
            cancel);
        return (state, earlier);
    }

    private static Learned Judge(MaskTraining training, ForgetRows rows, MaskState state, float tau)
    {
        var judged = rows.Judged(Math.Max(0, state.Epochs - 1));
        var kept = training.Threshold(judged, state.Mask, tau);
        return new Learned(
            state,
            kept,
            judged.Labels.Length,
            state.Hits >= 0 ? state.Hits : training.CountHits(judged, state.Mask),
            training.CountHits(judged, Array.ConvertAll(kept, k => k ? 1f : 0f)),
            kept.Count(k => !k) / (double)kept.Length,
            HasNoFeature(rows));
    }

    private static bool HasNoFeature(ForgetRows rows) => rows.Basis.Energy == 0;

    // A = U ⊙ M without the columns that are nothing but zeros; one stays where all are.
    private static double[] KeptColumns(double[] basis, bool[] kept, int d)
    {
        int[] columns = [.. Enumerable.Range(0, d).Where(j => Enumerable.Range(0, d).Any(i => kept[(i * d) + j]))];
        if (columns.Length == 0)
            columns = [0];
        var masked = new double[d * columns.Length];
        for (var i = 0; i < d; i++)
        {
            for (var c = 0; c < columns.Length; c++)
            {
                var at = (i * d) + columns[c];
                masked[(i * columns.Length) + c] = kept[at] ? basis[at] : 0;
            }
        }

        return masked;
    }

    private Dictionary<string, string> Origin(UnlearningContext context, MethodParameters p, Learned learned)
    {
        var origin = new Dictionary<string, string>
        {
            ["method"] = Name,
            ["mode"] = context.Options.Mode.ToString(),
            ["request"] = context.Request,
            ["classes"] = context.ClassesAsked,
            ["images"] = context.Forget.Count.ToString(CultureInfo.InvariantCulture),
            ["seed"] = context.Options.Seed.ToString(CultureInfo.InvariantCulture),
            ["epochs-done"] = learned.State.Epochs.ToString(CultureInfo.InvariantCulture),
            ["hits-left-soft"] = learned.SoftHits.ToString(CultureInfo.InvariantCulture),
            ["hits-left"] = learned.HardHits.ToString(CultureInfo.InvariantCulture),
            ["share-below-tau"] = learned.ShareBelow.ToString("R", CultureInfo.InvariantCulture),
        };
        foreach (var (name, value) in p.Values)
            origin[name] = value.ToString("R", CultureInfo.InvariantCulture);
        return origin;
    }

    private static IEnumerable<string> Notes(UnlearningContext context, Learned learned, int epochs)
    {
        var state = learned.State;
        if (context.Options.Mode == UnlearningMode.Official)
            yield return "official mode: the basis and the first epoch ran in training mode, and the running statistics of batch normalisation are now those of the forgetting data";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{state.Epochs} epoch{(state.Epochs == 1 ? "" : "s")}, {state.Updates} step{(state.Updates == 1 ? "" : "s")}; of {learned.Rows} rows {learned.SoftHits} are still predicted right with the mask as learned and {learned.HardHits} with the binary one; {learned.ShareBelow:0.####%} of the mask is 0");
        if (learned.NoFeature)
            yield return "all features are zero: there is nothing to learn, and the mask stays all ones";
        else if (state.Updates == 0 && state.Hits == 0 && learned.ShareBelow == 0)
            yield return "no image was predicted right to begin with: the mask stays all ones, and nothing is erased";
        if (learned.ShareBelow == 1)
            yield return "no entry of the mask is above tau: every feature is erased to zero, of whatever class; a smaller tau keeps some";
        if (learned.SoftHits > 0)
            yield return state.Epochs < epochs ? "stopped by the time limit before every image was forgotten" : "stopped by the number of epochs before every image was forgotten";
        if (learned is { SoftHits: 0, HardHits: > 0 })
            yield return "the threshold brought some images back: a larger tau or learning rate may end that";
    }

    /// <summary>What came out.</summary>
    /// <param name="State">The soft mask.</param>
    /// <param name="Kept">The binary one: [d, d].</param>
    /// <param name="Rows">Rows that were judged.</param>
    /// <param name="SoftHits">Those predicted right with the soft mask.</param>
    /// <param name="HardHits">Those predicted right with the binary one.</param>
    /// <param name="ShareBelow">The share of the mask that is 0.</param>
    /// <param name="NoFeature">Whether all features are zero.</param>
    private sealed record Learned(MaskState State, bool[] Kept, int Rows, int SoftHits, int HardHits, double ShareBelow, bool NoFeature);
}

/// <summary>What happens to the images of ESC-T in each epoch; the value of its parameter <c>augmentation</c>.</summary>
internal enum MaskAugmentation
{
    /// <summary>The test transform: features are computed once.</summary>
    None,

    /// <summary>Random flips, from the features of both images of every pair, computed once: the same as computing them anew.</summary>
    FlipPairs,

    /// <summary>Random flips, the features computed anew in each epoch.</summary>
    Flip,

    /// <summary>Random crops and flips, the features computed anew in each epoch.</summary>
    CropAndFlip,
}
