using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Bench.Requests;

/// <summary>Everything that an erasure request names: which model, which images, which of them to forget, and how.</summary>
/// <param name="ModelFile">The model before the request.</param>
/// <param name="DataPath">The images.</param>
/// <param name="ForgetClasses">Class numbers or names with commas between, or null.</param>
/// <param name="ForgetIndices">A file of training images, or null.</param>
/// <param name="Method">The method's name.</param>
/// <param name="Options">The method's options.</param>
/// <param name="Device">Where to compute.</param>
internal sealed record ErasureJob(
    string ModelFile, string DataPath, string? ForgetClasses, string? ForgetIndices, string Method, UnlearningOptions Options, Device Device)
{
    /// <summary>Where the user named nothing: the paper's class, or the last one where the images have none of that.</summary>
    public bool PaperClass { get; init; }

    /// <summary>Of faces, how many people; 0 takes all.</summary>
    public int Identities { get; init; }

    /// <summary>People with commas between, whom the data names, or null.</summary>
    public string? ForgetSubjects { get; init; }

    /// <summary>How photos are read.</summary>
    public PhotoChoice Photos { get; init; } = new();

    /// <summary>What is done where the images are not the model's.</summary>
    public DataTrust Trust { get; init; } = new(IsNamed: true, AllowOther: false);

    /// <summary>The model, in evaluation mode.</summary>
    /// <exception cref="DataFormatException">The file cannot be used.</exception>
    public Classifier LoadModel() => Trust.Reading.Load(ModelFile, Device);

    /// <summary>The model, in evaluation mode.</summary>
    /// <param name="remarks">Gets how the file was understood.</param>
    /// <exception cref="DataFormatException">The file cannot be used.</exception>
    public Classifier LoadModel(ICollection<string> remarks) => Trust.Reading.Load(ModelFile, Device, remarks);

    /// <summary>The images in the size that the model takes, cut along the request.</summary>
    /// <exception cref="EscException">The images cannot be used, or do not fit the model or the request.</exception>
    public ForgetSplit ReadData(Classifier model)
    {
        var data = Inputs.Open(DataPath, model.Description, Identities, Photos);
        Trust.Check(model, ModelFile, data);
        return ForgetSplit.Create(data, PaperClass ? Inputs.PaperClass(data) : Inputs.Request(ForgetClasses, ForgetIndices, data, ForgetSubjects));
    }

    /// <summary>Runs the method on a model.</summary>
    /// <param name="model">Changed in place.</param>
    /// <param name="split">The images.</param>
    /// <param name="recorder">Records the stages, or null.</param>
    /// <param name="progress">Told how far a stage is, or null.</param>
    /// <param name="cancel">Stops it; the model is then as it was.</param>
    /// <param name="checkpoint">Where a method that trains keeps its state, or null.</param>
    /// <param name="resume">Whether it goes on from there.</param>
    public UnlearningResult Erase(
        Classifier model, ForgetSplit split, StageRecorder? recorder, IProgress<StageProgress>? progress, CancellationToken cancel,
        string? checkpoint = null, bool resume = false)
    {
        var method = MethodRegistry.Create(Method);
        return method.Run(UnlearningContext.For(method, model, split, Options, recorder, checkpoint, resume), progress, cancel);
    }
}
