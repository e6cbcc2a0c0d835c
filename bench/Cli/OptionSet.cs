using System.CommandLine;
using System.Globalization;
using EscNative.Models;
using EscNative.Unlearning.Methods;
using EscNative.Unlearning.Subspaces;

namespace EscNative.Bench.Cli;

/// <summary>Every option of the command line, once; a verb adds those that it understands.</summary>
internal sealed class OptionSet
{
    public Option<string?> Config { get; } = Text("--config", "FILE", "Options from a JSON file: {\"forget-class\": [4, 14], \"p\": 1.5}. Order: command line, ESC_* environment, file, default.");

    public Option<bool> Quiet { get; } = Flag("--quiet", "No progress and no remarks; results and errors only.");

    public Option<bool> Details { get; } = Flag("--details", "Show every section and row; without it the console keeps to what matters most.");

    public Option<string?> Json { get; } = Text("--json", "FILE", "Write the result as JSON (escnative.result/1); - is standard output.");

    public Option<string?> Html { get; } = Text("--html", "FILE", "Write the result as one HTML file; - is standard output.");

    public Option<string[]?> Export { get; } = Several("--export", "FORMAT=FILE", "Write the result for another program too; - is standard output, and the option may be repeated. Formats: csv, markdown, trace (Chrome, Perfetto), speedscope, benchmarkdotnet, bencher, github-action, google-benchmark, hyperfine, openmetrics.");

    public Option<bool> Force { get; } = Flag("--force", "Replace output files that exist.");

    public Option<string> Device { get; } = Named("--device", "NAME", "auto, cpu, cuda or cuda:N. Only auto may fall back to the CPU, and says so.", "auto");

    public Option<int> Threads { get; } = Whole("--threads", "Threads that compute. The result does not depend on it.", 1, 1024, Environment.ProcessorCount);

    public Option<string> Precision { get; } = OneOf("--precision", "Arithmetic of the forward pass.", ["f32"], "wants f32: this version has no other precision");

    public Option<int> Seed { get; } = Whole("--seed", "Seed of everything random.", 0, int.MaxValue, 42);

    public Option<string> Data { get; } = Named("--data", "PATH", "A CIFAR or IDX folder or archive, a folder of photos (one folder for each class or person, or train and test with such folders), a table path,label,subject (.csv), or 'embedded' (2,000 Fashion-MNIST images inside the program).", "embedded");

    public Option<int> Identities { get; } = Whole("--identities", "How many people or classes to take of a folder of faces or photos, in the order of their names; 0 takes all.", 0, 1_000_000, 0);

    public Option<string> Resize { get; } = OneOf("--resize", "How images come to the network's size: stretch (the whole image), crop (its middle, bilinear), crop-bicubic, or auto: as the model was trained; else of photos crop for ResNets and crop-bicubic for vision transformers from 128 pixels, else stretch. CIFAR and IDX images are resized only where one is named.", ["auto", "stretch", "crop", "crop-bicubic"], "wants auto, stretch, crop or crop-bicubic");

    public Option<string> OnBadImage { get; } = OneOf("--on-bad-image", "What to do where a photo cannot be read: error names it and ends, skip leaves it out and counts it.", ["error", "skip"], "wants error or skip");

    public Option<int?> ImageMemory { get; } = Parsed<int?>("--image-memory", "MB", "Megabytes of resized images to keep; a larger set is decoded or resized again in every pass. Default: a quarter of the memory.", text => ParseWhole(text, 0, int.MaxValue));

    public Option<bool> AllowOtherData { get; } = Flag("--allow-other-data", "Take images that the model was not trained on; the result says so.");

    public Option<string?> ModelFile { get; } = Text("--model-file", "FILE", "A model: safetensors, a checkpoint of PyTorch (.pt, .pth), the weights alone as .npz, or a folder of Hugging Face (model.safetensors or pytorch_model.bin, or the index of those cut into several files, with config.json and preprocessor_config.json).");

    public Option<string?> Mean { get; } = Text("--mean", "X[,X..]", "What is subtracted from pixels (0 to 1), for every channel or for all. For checkpoints from elsewhere, which do not say it; replaces what a model file says. Wants --std.");

    public Option<string?> Std { get; } = Text("--std", "X[,X..]", "What pixels are then divided by; see --mean.");

    public Option<string?> ClassNames { get; } = Text("--class-names", "FILE|A,B,..", "The model's classes in the order of its scores: a file with a name on each line, or a list. Replaces what a model file says.");

    public Option<int?> ImageSize { get; } = Parsed<int?>("--image-size", "N", "Rows and columns of the images that the network takes, where it takes several sizes. Replaces what a model file says.", text => ParseWhole(text, 1, 1 << 14));

    public Option<bool> Predict { get; } = Flag("--predict", "What the kernels are predicted to take on an NVIDIA H200, by the model in docs/gpu-model.md; measures nothing and needs no GPU.");

    public Option<bool> Plan { get; } = Flag("--plan", "Show the steps that the model is compiled to, and what each costs.");

    public Option<string?> Original { get; } = Text("--original", "FILE", "The model before erasure, measured beside the other one.");

    public Option<string?> Retrain { get; } = Text("--retrain", "FILE", "A model trained without what is to be forgotten: the reference of the metrics.");

    public Option<string> Architecture { get; } = Named("--arch", "NAME", $"The network: {string.Join(", ", Architectures.Names)}.", "allcnn");

    public Option<double?> Width { get; } = Parsed<double?>("--width", "X", "Filters of All-CNN or a ResNet as a share of the published number. Default: 0.5 for All-CNN (96 features), 1 for ResNets.", text => ParseNumber(text, 0, 4));

    public Option<string?> Stem { get; } = Text("--stem", "NAME", "How resnet18, 34 and 50 begin: imagenet (7x7 and pooling, the default) or cifar (3x3).");

    public Option<string?> ForgetClass { get; } = Text("--forget-class", "N[,N..]", "The classes to forget, by number from 0 or by name; in a report 4/7,8 means 4 first and then 7 and 8.");

    public Option<string?> ForgetSubject { get; } = Text("--forget-subject", "NAME[,NAME..]", "The people to forget, by the names in the table of photos (path,label,subject): all their training images.");

    public Option<string?> ForgetIndices { get; } = Text("--forget-indices", "FILE", "The training images to forget: a text file of indices from 0, one on each line.");

    public Option<string> Method { get; } = Named("--method", "NAME", $"The unlearning method: {string.Join(", ", MethodRegistry.Names)}; report also takes several with commas between, or all.", "esc");

    public Option<string?> Set { get; } = Text("--set", "NAME=X[,..]", "Values for the parameters of methods: epochs=2 for all that have it, scrub.alpha=0.1 for one (escnative methods lists them).");

    public Option<string?> Scenario { get; } = Text("--scenario", "NAME", $"What is to be forgotten, instead of naming it: {string.Join(", ", Unlearning.Scenarios.Scenario.Names)}.");

    public Option<int> Trials { get; } = Whole("--trials", "Repetitions with seeds of their own; results are then mean and standard deviation.", 1, 1000, 1);

    public Option<bool> Relearn { get; } = Flag("--relearn", "Also measure how fast what was forgotten is learned again: steps on the rest, a few samples, class prototypes.");

    public Option<bool> MlpProbe { get; } = Flag("--mlp-probe", "Also measure what a probe of two layers recovers.");

    public Option<int> Shadows { get; } = Whole("--shadows", "Models trained for the U-LiRA attack on each method, an even number; 0 leaves it out.", 0, 10_000, 0);

    public Option<string?> State { get; } = Text("--state", "FOLDER", "Where answered requests are kept, so that a cancelled comparison goes on where it was.");

    public Option<double> P { get; } = Number("--p", "Directions to erase, in per cent of the feature width (k = floor(width p / 100)).", 0, 100, 1.5);

    public Option<int?> K { get; } = Parsed<int?>("--k", "N", "Directions to erase, as a number; instead of --p.", text => ParseWhole(text, 0, int.MaxValue));

    public Option<string> Solver { get; } = Named("--solver", "NAME", $"How the directions are found: {string.Join(", ", Solvers.Names)}; on a GPU also svd-jacobi. auto chooses by the sizes.", "auto");

    public Option<string> Mode { get; } = OneOf("--mode", "paper: evaluation mode, as published. official: bug for bug as the released code.", ["paper", "official"], "wants paper or official");

    public Option<string?> Output { get; } = Text("--output", "FILE", "The model file to write (safetensors); - is standard output.");

    public Option<int> Runs { get; } = Whole("--runs", "Measured runs of each kind.", 10, 10_000, 10);

    public Option<int> StopAfter { get; } = Whole("--stop-after", "Stop after this many epochs of the schedule, to be resumed from --checkpoint; 0 goes on to the end.", 0, 1_000_000, 0);

    public Option<string?> Filter { get; } = Text("--filter", "TEXT", "Only what has this text in its name.");

    public Option<string[]?> Peer { get; } = Several("--peer", "COMMAND", "Another engine to measure in turn with this one: a command that answers as bench/peers/pytorch_peer.py does.");

    public Option<int> Rounds { get; } = Whole("--rounds", "Rounds of this engine and the peer in turn.", 3, 1000, 5);

    public Option<string> Job { get; } = OneOf("--job", "How long a benchmark runs: full, short (three iterations) or dry (one, to see that it works).", ["full", "short", "dry"], "wants full, short or dry");

    public Option<double> Seconds { get; } = Number("--seconds", "Length of each measurement of a round.", 0.001, 600, 0.5);

    public Option<string?> Cache { get; } = Text("--cache", "FOLDER", "Where the trained small model is kept. Default: the user's cache folder.");

    public Option<int> Epochs { get; } = Whole("--epochs", "Passes over the training images.", 1, 1_000_000, 12);

    public Option<int> Batch { get; } = Whole("--batch", "Images in a step.", 1, 1 << 20, 128);

    public Option<int> PeerBatch { get; } = Whole("--batch", "Images of a training step and of the larger forward pass.", 1, 1 << 16, 64);

    public Option<double> LearningRate { get; } = Number("--learning-rate", "Peak of the one-cycle schedule.", 0, 1000, 0.12);

    public Option<double> WeightDecay { get; } = Number("--weight-decay", "L2 penalty.", 0, 1000, 5e-4);

    public Option<int> Crop { get; } = Whole("--crop", "Pixels of border around an image before a random crop of its size; 0 crops nothing.", 0, 64, 0);

    public Option<string> Augment { get; } = OneOf("--augment", "How training images are changed at random: flip (mirrored, and cropped by --crop), or random-resized-crop (photos alone: another part of each in every epoch, decoded anew and mirrored; tests see whole photos, as --resize says).", ["flip", "random-resized-crop"], "wants flip or random-resized-crop");

    public Option<(double Least, double Most)?> CropScale { get; } = Parsed<(double, double)?>("--crop-scale", "X,X", "Of --augment random-resized-crop: the least and the largest share of a photo's area that a part has. Default: 0.08,1.", text => ParseRange(text, 1));

    public Option<(double Least, double Most)?> CropRatio { get; } = Parsed<(double, double)?>("--crop-ratio", "X,X", "Of --augment random-resized-crop: the least and the largest width of a part divided by its height. Default: 0.75,1.3333.", text => ParseRange(text, 1000));

    public Option<string?> WithoutClass { get; } = Text("--without-class", "N[,N..]", "Train without these classes, by number from 0 or by name: the Retrain reference of a request for them.");

    public Option<string?> Checkpoint { get; } = Text("--checkpoint", "FILE", "Written after every epoch; with --resume also read.");

    public Option<bool> Resume { get; } = Flag("--resume", "Go on from --checkpoint.");

    /// <summary>The name of an option in a configuration file: <c>forget-class</c> for <c>--forget-class</c>.</summary>
    public static string Key(Option option) => option.Name.TrimStart('-');

    /// <summary>The name of an option in the environment: <c>ESC_FORGET_CLASS</c> for <c>--forget-class</c>.</summary>
    public static string Variable(Option option) => "ESC_" + Key(option).Replace('-', '_').ToUpperInvariant();

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    private static Option<string?> Text(string name, string value, string description) =>
        Parsed<string?>(name, value, description, text => text.Length > 0 ? text : throw new FormatException("wants a name"));

    private static Option<string[]?> Several(string name, string value, string description) => new(name)
    {
        Description = description,
        HelpName = value,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private static Option<string> Named(string name, string value, string description, string normal) =>
        WithDefault(Parsed(name, value, description, text => text.Length > 0 ? text : throw new FormatException("wants a name")), normal);

    // The first is the default.
    private static Option<string> OneOf(string name, string description, string[] names, string wants) => WithDefault(
        Parsed(name, "NAME", description, text => names.Contains(text) ? text : throw new FormatException(wants + Suggestion.For(text, names))), names[0]);

    private static Option<int> Whole(string name, string description, int minimum, int maximum, int normal) =>
        WithDefault(Parsed(name, "N", description, text => ParseWhole(text, minimum, maximum)), normal);

    private static Option<double> Number(string name, string description, double minimum, double maximum, double normal) =>
        WithDefault(Parsed(name, "X", description, text => ParseNumber(text, minimum, maximum)), normal);

    private static Option<T> WithDefault<T>(Option<T> option, T value)
    {
        option.DefaultValueFactory = _ => value;
        return option;
    }

    // The parser's own messages name .NET types; ours say what was given and what is wanted.
    private static Option<T> Parsed<T>(string name, string value, string description, Func<string, T> parse) => new(name)
    {
        Description = description,
        HelpName = value,
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = argument =>
        {
            var text = argument.Tokens[0].Value;
            try
            {
                return parse(text);
            }
            catch (FormatException wanted)
            {
                argument.AddError($"{name}: got '{text}', {wanted.Message}");
                return default;
            }
        },
    };

    private static int ParseWhole(string text, int minimum, int maximum) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= minimum && value <= maximum
            ? value
            : throw new FormatException(maximum == int.MaxValue
                ? FormattableString.Invariant($"wants a whole number from {minimum}")
                : FormattableString.Invariant($"wants a whole number from {minimum} to {maximum}"));

    private static (double Least, double Most)? ParseRange(string text, double maximum) =>
        text.Split(',') is [var first, var second]
        && double.TryParse(first, NumberStyles.Float, CultureInfo.InvariantCulture, out var least) && double.TryParse(second, NumberStyles.Float, CultureInfo.InvariantCulture, out var most)
        && least > 0 && most >= least && most <= maximum
            ? (least, most)
            : throw new FormatException(FormattableString.Invariant($"wants two numbers above 0 with a comma between, the least first and the other at most {maximum}, such as 0.5,1"));

    private static double ParseNumber(string text, double minimum, double maximum) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= minimum && value <= maximum
            ? value
            : throw new FormatException(FormattableString.Invariant($"wants a number from {minimum} to {maximum}, such as 1.5"));
}
