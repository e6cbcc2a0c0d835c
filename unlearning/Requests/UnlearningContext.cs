using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning;

/// <summary>What a method works on. It sees the remaining data only if it declared that it needs them.</summary>
public sealed class UnlearningContext
{
    private readonly ImageSet? _remain;
    private readonly bool _forgetOnly;

    /// <summary>A context for a method.</summary>
    /// <param name="model">The model to change.</param>
    /// <param name="forget">D_f, the training images to forget.</param>
    /// <param name="options">The request's options.</param>
    /// <param name="remain">D_r, for methods that use it, else null.</param>
    /// <exception cref="UsageException">An option makes no sense.</exception>
    public UnlearningContext(Classifier model, ImageSet forget, UnlearningOptions? options = null, ImageSet? remain = null)
    {
        Model = model;
        Forget = forget;
        Options = options ?? new UnlearningOptions();
        Options.Validate();
        _remain = remain;
    }

    private UnlearningContext(Classifier model, ImageSet forget, UnlearningOptions? options, ImageSet? remain, bool forgetOnly)
        : this(model, forget, options, remain) => _forgetOnly = forgetOnly;

    /// <summary>A context for a method that gives it what it declared, and no more.</summary>
    /// <param name="method">The method.</param>
    /// <param name="model">The model to change.</param>
    /// <param name="split">The images.</param>
    /// <param name="options">The request's options.</param>
    /// <param name="recorder">Records the stages' times, or null.</param>
    /// <param name="checkpoint">Where a method that trains keeps its state, or null.</param>
    /// <param name="resume">Whether it goes on from that file; by default if there is one.</param>
    public static UnlearningContext For(
        IUnlearningMethod method, Classifier model, ForgetSplit split, UnlearningOptions? options = null, StageRecorder? recorder = null,
        string? checkpoint = null, bool? resume = null)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(split);
        var forgetOnly = method.DataUse == DataUse.ForgetOnly;
        return new UnlearningContext(model, split.Forget, options, forgetOnly ? null : split.Remain, forgetOnly)
        {
            Asked = split.Request,
            Request = split.Request.ToString(),
            Recorder = recorder,
            HeldOut = split.ForgetTest.Count > 0 ? split.ForgetTest : split.RemainTest.Count > 0 ? split.RemainTest : null,
            CheckpointPath = checkpoint,
            Resume = resume ?? (checkpoint is not null && File.Exists(checkpoint)),
        };
    }

    /// <summary>The model to change.</summary>
    public Classifier Model { get; }

    /// <summary>D_f.</summary>
    public ImageSet Forget { get; }

    /// <summary>The request's options.</summary>
    public UnlearningOptions Options { get; }

    /// <summary>Records the stages' times, or null to run without waiting at their borders.</summary>
    public StageRecorder? Recorder { get; init; }

    /// <summary>
    /// Images like those of D_f that no training saw, for methods that choose among their own results by them when they are told to
    /// (SCRUB's rewinding): by <see cref="For"/> the test images of the forgotten classes, so that D_ft is then no longer unseen;
    /// null where there are none.
    /// </summary>
    public ImageSet? HeldOut { get; init; }

    /// <summary>Where a method that trains keeps its state after each epoch, or null.</summary>
    public string? CheckpointPath { get; init; }

    /// <summary>Whether to go on from <see cref="CheckpointPath"/>; the result is what an uninterrupted run gives, bit for bit.</summary>
    public bool Resume { get; init; }

    /// <summary>What the request is about, for the record: classes or the number of samples.</summary>
    public string Request { get; init; } = "";

    /// <summary>The request, where the context was made from a split; it goes into the model's record.</summary>
    public ForgetRequest? Asked { get; init; }

    /// <summary>Whether there is D_r.</summary>
    public bool HasRemain => _remain is not null;

    /// <summary>D_r.</summary>
    /// <exception cref="EscException">The context was made without it (usage), or for a method that declared that it sees D_f only (a bug of the method).</exception>
    public ImageSet Remain => _remain ?? throw (_forgetOnly
        ? new EscException(ErrorCode.Internal, "unlearning: this method declared that it uses the forgetting data only, and asked for the remaining data")
        : new EscException(ErrorCode.Usage, "unlearning: this method needs the remaining data (D_r), and the context was made without: give it, or make the context by UnlearningContext.For"));

    /// <summary>The names of the classes that are asked for, or empty.</summary>
    internal string ClassesAsked => Asked is { IsByClass: true } ? string.Join(", ", Asked.Classes.ToArray().Select(c => Forget.ClassNames[c])) : "";

    /// <summary>Writes into the model's record that it has answered this request.</summary>
    /// <param name="method">Who did it. Every method calls this once it is done.</param>
    public void Remember(IUnlearningMethod method)
    {
        ArgumentNullException.ThrowIfNull(method);
        Model.Remember(Asked is null ? ForgetRecord.OfImages(method.Name, Request, Forget) : ForgetRecord.Of(method.Name, Asked, Forget));
    }

    /// <summary>Begins a stage, of which the recorder and whoever listens to <see cref="Telemetry"/> are told.</summary>
    public StageRecorder.Running Stage(string name) => StageRecorder.Begin(Recorder, name);
}
