using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Engine.Layers;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>
/// A family of networks: how one is made, recognised in a file, and called there. One file implements it, beside the network; built-in ones
/// stand in the list of <see cref="Architectures"/>, users add theirs with <see cref="Architectures.Register"/>.
/// </summary>
/// <remarks>Implementations hold no state: several threads call them at once.</remarks>
public interface IArchitecture
{
    /// <summary>The name in files and on the command line: lower-case letters, digits and hyphens.</summary>
    string Name { get; }

    /// <summary>The hyper-parameters of a network of which nothing else was said.</summary>
    Hyperparameters Defaults { get; }

    /// <summary>The hyper-parameters of a network of which some values were said, where a default depends on another value.</summary>
    /// <param name="values">What was said, by the names of <see cref="Defaults"/>; what is unknown or impossible is told elsewhere, too.</param>
    /// <exception cref="UsageException">A value that a default depends on is impossible.</exception>
    Hyperparameters DefaultsFor(IReadOnlyDictionary<string, string> values) => Defaults;

    /// <summary>Reads the hyper-parameters back.</summary>
    /// <param name="values">A value for each name of <see cref="Defaults"/>, as <see cref="Hyperparameters.Values"/> writes it.</param>
    /// <exception cref="UsageException">A value is impossible: the message names it, what it is and what it may be.</exception>
    Hyperparameters Parse(IReadOnlyDictionary<string, string> values);

    /// <summary>The images that a network takes.</summary>
    /// <param name="hyperparameters">The network's.</param>
    /// <returns>Rows, columns, and the channels of a network of which nothing else was said.</returns>
    (int Height, int Width, int Channels) Input(Hyperparameters hyperparameters);

    /// <summary>Makes a network in training mode.</summary>
    /// <param name="description">Hyper-parameters, channels and classes.</param>
    /// <param name="random">The source of the starting values: all of them come from it, in a fixed order.</param>
    /// <param name="device">Where the parameters live; null for the CPU.</param>
    /// <returns>Images [n, h, w, c] to features [n, d], and features to class scores.</returns>
    /// <exception cref="UsageException">The description is impossible.</exception>
    (Module Extractor, Linear Head) Create(ModelDescription description, RandomSource random, Device? device);

    /// <summary>
    /// Tensors with the names and shapes of PyTorch, from which the size of the whole network follows: a file is compared with them before
    /// memory is taken for the network.
    /// </summary>
    /// <exception cref="UsageException">The description is impossible.</exception>
    IReadOnlyList<(string Name, int[] Shape)> Outline(ModelDescription description);

    /// <summary>Looks whether a file without our metadata holds such a network.</summary>
    /// <param name="tensors">PyTorch's names, without DataParallel's prefix, with shapes, and the file's own metadata; no values need be read.</param>
    /// <returns>What it is, or null where it is none of these; that every tensor fits is checked afterwards.</returns>
    ModelDescription? Recognise(INamedArraySource tensors);

    /// <summary>The name of PyTorch for one of the network's parameters, buffers or counters.</summary>
    /// <param name="name">The name here: <c>features.</c> before the extractor's names, <c>head.0.weight</c> and <c>head.0.bias</c>.</param>
    string PyTorchName(string name) => name;

    /// <summary>Fits a parameter of a file to a network of another size than the one it was saved from: learned positions to another grid.</summary>
    /// <param name="name">PyTorch's name.</param>
    /// <param name="tensor">The tensor, in PyTorch's layout.</param>
    /// <param name="description">The network that is being filled.</param>
    /// <returns>The tensor that is read in its place; its shape is checked afterwards.</returns>
    NamedArray Fit(string name, NamedArray tensor, ModelDescription description) => tensor;

    /// <summary>How <see cref="Fit"/> does it, in words, for whoever loads such a file.</summary>
    string FitMethod => "fitted by the architecture";
}
