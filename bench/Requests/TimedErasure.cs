using EscNative.Bench.Measuring;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Bench.Requests;

/// <summary>An erasure request from the model file on disk to the erased model file on disk.</summary>
/// <param name="job">The request.</param>
/// <param name="output">Where the erased model goes; replaced by every run.</param>
internal sealed class TimedErasure(ErasureJob job, string output) : ITimedRequest
{
    /// <inheritdoc/>
    public void Run(StageRecorder? recorder, CancellationToken cancel)
    {
        using var model = Stage(StageNames.Load, job.LoadModel);
        var split = Stage(StageNames.Read, () => job.ReadData(model));
        var result = job.Erase(model, split, recorder, null, cancel);
        _ = Stage(StageNames.Save, () =>
        {
            ModelFile.Save(model, output, force: true);
            return true;
        });
        if (recorder is not null)
            CountWork(recorder, model, split, result.Subspace?.K ?? 0);

        T Stage<T>(string name, Func<T> run)
        {
            using (recorder?.Begin(name) ?? default)
                return run();
        }
    }

    // What each stage has to move and compute at the least.
    private void CountWork(StageRecorder recorder, Classifier model, ForgetSplit split, int k)
    {
        double n = split.Forget.Count, d = model.FeatureWidth, pixels = split.Forget.ImageSize;
        recorder.AddWork(StageNames.Load, ArrayFile.FilesOf(job.ModelFile).Sum(part => new FileInfo(part).Length), 0);
        recorder.AddWork(StageNames.Read, (double)(split.Data.Train.Count + split.Data.Test.Count) * (pixels + 1), 0);
        // A byte read and a byte written. (The method counts the forward pass: it has the plan.)
        recorder.AddWork(StageNames.Upload, n * pixels * 2, 0);
        // Half of the symmetric d x d matrix, a multiply-add an image and entry. A solver that reads the rows makes none.
        if (!Solvers.Create(job.Options.Solver, CudaInterop.ContextOf(model.Device)).NeedsRows)
            recorder.AddWork(StageNames.Gram, (n * d * sizeof(float)) + (d * d * sizeof(double)), n * d * (d + 1));
        recorder.AddWork(StageNames.Apply, d * k * (sizeof(double) + sizeof(float)), 0);
        recorder.AddWork(StageNames.Save, new FileInfo(output).Length, 0);
    }
}
