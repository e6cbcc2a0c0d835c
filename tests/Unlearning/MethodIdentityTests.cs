using EscNative.Engine.Formats;
using EscNative.Models;
using EscNative.Models.Data;
using EscNative.Models.Erasure;
using EscNative.Tests.Models;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Training;

namespace EscNative.Tests.Unlearning;

/// <summary>A method's checkpoint belongs to its question: every part of it, for every method that keeps one.</summary>
public sealed class MethodIdentityTests
{
    private static readonly ForgetSplit Split = ForgetSplit.Create(SmallImages.Data(train: 24, test: 8), ForgetRequest.ForClasses(2));

    private static readonly string[] EscTLimits = ["epochs", "seconds", "tau"];

    // One change of each part of a question, by the name under which a refusal must name it.
    private static readonly Dictionary<string, Action<Question>> Changes = new()
    {
        ["weights"] = q => Head(q.Model),
        ["normalisation"] = q => q.Description = q.Description with { Normalisation = Normalisation.Cifar10 },
        ["classes"] = q => q.Description = q.Description with { ClassNames = ["a", "b", "c", "d"] },
        ["width"] = q => q.Description = q.Description with { Hyperparameters = new AllCnnHyperparameters(0.04) },
        ["erasure"] = q => q.Model.Erase(new ErasureOperator(q.Model.FeatureWidth, ErasureFactor.Projection([1, .. new double[q.Model.FeatureWidth - 1]], q.Model.FeatureWidth))),
        ["images to forget"] = q => q.Forget = Relabelled(q.Forget),
        ["remaining images"] = q => q.Remain = SmallImages.Set(18, 9),
        ["held-out images"] = q => q.HeldOut = null,
        ["request"] = q => q.Asked = ForgetRequest.ForClasses(1),
        ["p"] = q => q.Options = q.Options with { Percent = 1 },
        ["k"] = q => q.Options = q.Options with { Directions = 1 },
        ["solver"] = q => q.Options = q.Options with { Solver = "svd" },
        ["mode"] = q => q.Options = q.Options with { Mode = UnlearningMode.Official },
        ["feature batch"] = q => q.Options = q.Options with { BatchSize = 65 },
        ["official augmentation"] = q => q.Options = q.Options with { OfficialAugmentation = false },
        ["seed"] = q => q.Options = q.Options with { Seed = 12 },
    };

    private static readonly string[] Names = [.. MethodRegistry.Names.Where(name => MethodRegistry.Create(name).KeepsCheckpoint)];

    public static TheoryData<string> Keepers => [.. Names];

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var name in Names)
            {
                foreach (var part in Changes.Keys)
                    cases.Add(name, part);
            }

            return cases;
        }
    }

    [Fact]
    public void Every_method_with_a_state_keeps_a_checkpoint() =>
        Assert.Equal(["esc-t", "fisher", .. Tiny.Methods], Names.Order(StringComparer.Ordinal).OrderBy(n => n is "esc-t" or "fisher" ? 0 : 1));

    [Fact]
    public void Every_option_of_a_request_has_a_case()
    {
        string[] mine = ["p", "k", "solver", "mode", "feature batch", "official augmentation", "seed"];
        // Parameters have theirs one by one.
        Assert.Equal(typeof(UnlearningOptions).GetProperties().Length, mine.Length + 1);
        Assert.All(mine, part => Assert.Contains(part, Changes.Keys));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Another_part_is_another_question(string name, string part)
    {
        var method = MethodRegistry.Create(name);
        using var question = new Question(method);
        using var other = new Question(method);
        Changes[part](other);
        var (saved, asked) = (question.Identity(), other.Identity());
        if (part == "remaining images" && method.DataUse == DataUse.ForgetOnly)
        {
            Assert.Equal(saved.Hash, asked.Hash);
            return;
        }

        Assert.NotEqual(saved.Hash, asked.Hash);
        Assert.Contains(part, Refusal(saved, asked), StringComparison.Ordinal);
        using var same = new Question(method);
        Assert.Equal("", Refusal(saved, same.Identity()));
    }

    [Theory]
    [MemberData(nameof(Keepers))]
    public void Every_parameter_is_part_of_the_question(string name)
    {
        var method = MethodRegistry.Create(name);
        foreach (var parameter in method.Parameters)
        {
            using var question = new Question(method);
            using var other = new Question(method);
            var present = MethodParameters.Of(method, question.Options)[parameter.Name];
            var value = present == parameter.Maximum ? parameter.Minimum : Math.Min(present + 1, parameter.Maximum);
            other.Options = other.Options with { Parameters = new Dictionary<string, double>(other.Options.Parameters) { [parameter.Name] = value } };
            var limits = name == "esc-t" ? EscTLimits : [];
            if (limits.Contains(parameter.Name))
                Assert.Equal("", Refusal(question.Identity(limits), other.Identity(limits)));
            else
                Assert.Contains($"parameter {parameter.Name} was", Refusal(question.Identity(limits), other.Identity(limits)), StringComparison.Ordinal);
        }
    }

    // LAU's attack ends within its first epoch here, before there is a checkpoint; it has the same code as the other training methods.
    public static TheoryData<string> Writers => [.. Names.Where(name => name != "lau")];

    [Theory]
    [MemberData(nameof(Writers))]
    public void A_checkpoint_of_a_model_with_another_head_or_of_other_labels_is_refused_by_the_method(string name)
    {
        using var folder = new TemporaryFolder();
        var (method, path) = (MethodRegistry.Create(name), folder["run.safetensors"]);
        using (var model = Tiny.Model())
            method.Run(Context(model, method, path, Split.Forget));
        Assert.True(File.Exists(path), $"{name} wrote no checkpoint");
        var written = File.ReadAllBytes(path);

        using (var headed = Tiny.Model())
        {
            Head(headed);
            var error = Assert.Throws<DataFormatException>(() => method.Run(Context(headed, method, path, Split.Forget, resume: true)));
            Assert.Contains("weights was", error.Message, StringComparison.Ordinal);
        }

        using (var model = Tiny.Model())
        {
            var error = Assert.Throws<DataFormatException>(() => method.Run(Context(model, method, path, name == "unsir" ? Repainted(Split.Forget) : Relabelled(Split.Forget), resume: true)));
            Assert.Contains("images to forget was", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(written, File.ReadAllBytes(path));
        using var same = Tiny.Model();
        Assert.Equal(name, method.Run(Context(same, method, path, Split.Forget, resume: true)).Method);
    }

    [Fact]
    public void A_mask_with_more_epochs_behind_it_than_are_asked_for_is_not_taken()
    {
        using var folder = new TemporaryFolder();
        var path = folder["mask.safetensors"];
        UnlearningContext Of(Classifier model, double epochs, bool resume) => new(model, Split.Forget, new UnlearningOptions
        {
            Parameters = new Dictionary<string, double> { ["epochs"] = epochs, ["learning-rate"] = 1e-9 },
        })
        { CheckpointPath = path, Resume = resume };
        using var model = Tiny.Model();
        // A class that the head prefers, so that no epoch is the last for want of hits.
        var bias = new float[model.Classes];
        bias[2] = 100;
        model.Head.Bias!.Value.CopyFrom<float>(bias);
        using var again = model.Copy();
        new EscT().Run(Of(model, 3, false));
        Assert.Contains("3 epochs behind it", Assert.Throws<DataFormatException>(() => new EscT().Run(Of(again, 2, true))).Message, StringComparison.Ordinal);
        Assert.Null(again.Erasure);
    }

    private static UnlearningContext Context(Classifier model, IUnlearningMethod method, string path, ImageSet forget, bool resume = false) =>
        new(model, forget, Tiny.Options(method), method.DataUse == DataUse.ForgetAndRemain ? Split.Remain : null)
        {
            HeldOut = Split.ForgetTest,
            CheckpointPath = path,
            Resume = resume,
        };

    private static string Refusal(RunIdentity saved, RunIdentity asked)
    {
        using var folder = new TemporaryFolder();
        var metadata = new Dictionary<string, string>();
        saved.Write(metadata, "test.");
        SafetensorsWriter.Write(folder["c.safetensors"], [NamedArray.From("x", [1], [1f])], metadata);
        using var file = SafetensorsFile.Open(folder["c.safetensors"]);
        try
        {
            asked.Check(file, "test.", "a test");
            return "";
        }
        catch (DataFormatException refused)
        {
            return refused.Message;
        }
    }

    private static void Head(Classifier model)
    {
        var bias = model.Head.Bias!.Value.ToArray();
        bias[0] += 0.25f;
        model.Head.Bias.Value.CopyFrom<float>(bias);
    }

    private static ImageSet Relabelled(ImageSet set) => new(
        "relabelled", [.. Enumerable.Range(0, set.Count).SelectMany(i => set.Pixels(i).ToArray())], [.. Enumerable.Repeat(1, set.Count)], set.Height, set.Width, set.Channels, set.ClassNames);

    // UNSIR answers requests for whole classes only, and all others remain.
    private static ImageSet Repainted(ImageSet set) => new(
        "repainted", [.. Enumerable.Range(0, set.Count).SelectMany(i => set.Pixels(i).ToArray().Select(v => (byte)(v ^ 1)))], set.Labels(), set.Height, set.Width, set.Channels, set.ClassNames);

    private sealed class Question(IUnlearningMethod method) : IDisposable
    {
        private Classifier? _model;

        public ModelDescription Description { get; set; } =
            new() { Hyperparameters = new AllCnnHyperparameters(0.03), Channels = 3, ClassNames = SmallImages.Names, Normalisation = Normalisation.Half };

        public Classifier Model => _model ??= Architectures.Create(Description, 5);

        public ImageSet Forget { get; set; } = Split.Forget;

        public ImageSet? Remain { get; set; } = Split.Remain;

        public ImageSet? HeldOut { get; set; } = Split.ForgetTest;

        public ForgetRequest Asked { get; set; } = Split.Request;

        public UnlearningOptions Options { get; set; } = Tiny.Options(method);

        public RunIdentity Identity(params string[] limits) => MethodIdentity.Of(
            method, new UnlearningContext(Model, Forget, Options, Remain) { Asked = Asked, HeldOut = HeldOut }, MethodParameters.Of(method, Options), Model, limits);

        public void Dispose() => _model?.Dispose();
    }
}
