using System.Runtime.ExceptionServices;
using EscNative.Engine;
using EscNative.Engine.Formats;
using EscNative.Kernels;

namespace EscNative.Models;

/// <summary>The architectures by name: those that come with the library, and what users add.</summary>
/// <remarks>Any number of threads may use it at once.</remarks>
public static class Architectures
{
    // Metadata of a model file that is no hyper-parameter.
    private static readonly string[] Taken = ["format", "architecture", "channels", "classes", "mean", "std"];

    private static readonly Lock Adding = new();

    private static readonly IArchitecture[] BuiltIn =
    [
        AllCnn.Architecture,
        .. ResNet.All,
        .. CifarResNet.All,
        VisionTransformer.Tiny,
        VisionTransformer.Small,
        VisionTransformer.Base,
    ];

    // Never changed, only replaced: readers need no lock.
    private static volatile IArchitecture[] _all = BuiltIn;

    /// <summary>The architectures, in the order in which they were registered.</summary>
    public static IReadOnlyList<IArchitecture> All => _all;

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names => [.. _all.Select(a => a.Name)];

    /// <summary>Adds an architecture: from now on it can be made, loaded, copied and recognised by everything in this library.</summary>
    /// <param name="architecture">The architecture; it stays registered as long as the program runs.</param>
    /// <exception cref="UsageException">Its name is taken or not one of lower-case letters, digits and hyphens, or a hyper-parameter's name
    /// cannot stand in a model file.</exception>
    public static void Register(IArchitecture architecture)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        var name = architecture.Name;
        if (!IsName(name))
            throw new UsageException($"architecture: got the name '{name}', wants lower-case letters, digits and hyphens");
        if (architecture.Defaults.Architecture != name)
            throw new UsageException($"architecture: the default hyper-parameters of {name} say that they are those of '{architecture.Defaults.Architecture}'");
        foreach (var (parameter, _) in architecture.Defaults.Values)
        {
            if (!IsName(parameter) || Taken.Contains(parameter))
                throw new UsageException($"architecture: {name} has a hyper-parameter '{parameter}', wants lower-case letters, digits and hyphens, and none of {string.Join(", ", Taken)}");
        }

        lock (Adding)
        {
            if (_all.Any(a => a.Name == name))
                throw new UsageException($"architecture: the name '{name}' is taken by {_all.First(a => a.Name == name).GetType()}; choose another");
            _all = [.. _all, architecture];
        }
    }

    /// <summary>The architecture of a name.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static IArchitecture Get(string name) => Find(name)
        ?? throw new UsageException($"arch: got '{name}', wants one of {string.Join(", ", Names)}");

    /// <summary>The hyper-parameters of an architecture's default network, but for some values.</summary>
    /// <param name="name">The architecture's.</param>
    /// <param name="values">What is different, by the names of <see cref="Hyperparameters.Values"/>.</param>
    /// <exception cref="UsageException">The architecture is unknown, has no such hyper-parameter, or a value is impossible.</exception>
    public static Hyperparameters Choose(string name, IReadOnlyDictionary<string, string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var architecture = Get(name);
        var all = architecture.DefaultsFor(values).Values.ToDictionary(v => v.Name, v => v.Value, StringComparer.Ordinal);
        foreach (var (key, value) in values)
        {
            if (!all.ContainsKey(key))
                throw new UsageException($"{key}: {name} has no such hyper-parameter, it has {(all.Count == 0 ? "none" : string.Join(", ", all.Keys))}");
            all[key] = value;
        }

        return architecture.Parse(all);
    }

    /// <summary>A model with PyTorch's starting values, in training mode.</summary>
    /// <param name="description">What to make.</param>
    /// <param name="seed">The seed of the starting values.</param>
    /// <param name="device">Where the parameters live; the CPU by default.</param>
    /// <exception cref="UsageException">The architecture, its hyper-parameters or the number of classes is unknown or impossible.</exception>
    public static Classifier Create(ModelDescription description, ulong seed = 0, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(description);
        Classifier.CheckClasses(description);
        var (extractor, head) = Get(description.Architecture).Create(description, new RandomSource(seed, RandomStreams.Initialisation), device);
        return new Classifier(description, extractor, head);
    }

    /// <summary>The architecture of a name, or null.</summary>
    internal static IArchitecture? Find(string name) => Array.Find(_all, a => a.Name == name);

    /// <summary>What a file without our metadata holds, or null where no architecture knows it; the first that does has it.</summary>
    /// <exception cref="DataFormatException">One says that such a network has a fault, and no other knows it.</exception>
    internal static ModelDescription? Recognise(INamedArraySource tensors)
    {
        ExceptionDispatchInfo? fault = null;
        foreach (var architecture in _all)
        {
            try
            {
                if (architecture.Recognise(tensors) is { } description)
                    return description;
            }
            catch (DataFormatException cause)
            {
                // What is a fault of one network may be another one, of a user's.
                fault ??= ExceptionDispatchInfo.Capture(cause);
            }
        }

        fault?.Throw();
        return null;
    }

    /// <summary>Whether a name is that of an architecture that comes with the library.</summary>
    internal static bool IsBuiltIn(string name) => Array.Exists(BuiltIn, a => a.Name == name);

    private static bool IsName(string name) => name.Length > 0 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
