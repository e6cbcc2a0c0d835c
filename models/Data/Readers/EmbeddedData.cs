namespace EscNative.Models.Data;

/// <summary>The small real set inside this assembly: works on any machine, without a download.</summary>
public static class EmbeddedData
{
    /// <summary>What selects it on the command line.</summary>
    public const string Name = "embedded";

    /// <summary>Training images of it.</summary>
    public const int TrainImages = 1500;

    private const string Prefix = "fashion-mini-";

    /// <summary>Its classes, known without opening it.</summary>
    public static IReadOnlyList<string> ClassNames => IdxReader.FashionNames;

    /// <summary>1,500 training and 500 test images of Fashion-MNIST (MIT licence, Zalando SE), 10 classes in equal numbers, in the
    /// frame of CIFAR: padded from 28 x 28 to 32 x 32, grey repeated to three channels.</summary>
    public static DataSet Open() => IdxReader.Read(
        "Fashion-mini", true, Prefix + "train-images-idx3-ubyte.gz", Prefix + "train-labels-idx1-ubyte.gz",
        Prefix + "t10k-images-idx3-ubyte.gz", Prefix + "t10k-labels-idx1-ubyte.gz", Resource).Fit(32, 32, 3);

    private static Stream Resource(string name) => typeof(EmbeddedData).Assembly.GetManifestResourceStream(name)
        ?? throw new EscException(ErrorCode.Internal, $"the resource {name} is missing from the assembly");
}
