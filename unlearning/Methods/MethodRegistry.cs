namespace EscNative.Unlearning.Methods;

/// <summary>The unlearning methods by name. Add your own with <see cref="Add"/>.</summary>
public static class MethodRegistry
{
    private static readonly SortedDictionary<string, Func<IUnlearningMethod>> Factories = new(StringComparer.Ordinal)
    {
        ["badt"] = () => new BadTeaching(),
        ["bs"] = () => new BoundaryShrink(),
        ["delete"] = () => new Delete(),
        ["esc"] = () => new Esc(),
        ["esc-t"] = () => new EscT(),
        ["finetune"] = () => new FineTune(),
        ["fisher"] = () => new Fisher(),
        ["inlp"] = () => new Inlp(),
        ["kodge"] = () => new Kodge(),
        ["l1-sparse"] = () => new L1Sparse(),
        ["lau"] = () => new LayerAttack(),
        ["leace"] = () => new Leace(),
        ["mean-direction"] = () => new MeanDirection(),
        ["neggrad-plus"] = () => new NegGradPlus(),
        ["ng"] = () => new NegativeGradient(),
        ["po-erase"] = () => new PrototypeErase(),
        ["remap"] = () => new Remap(),
        ["retrain"] = () => new Retrain(),
        ["rl"] = () => new RandomLabel(),
        ["salun"] = () => new SalUn(),
        ["scrub"] = () => new Scrub(),
        ["splince"] = () => new Splince(),
        ["ssd"] = () => new Ssd(),
        ["unsir"] = () => new Unsir(),
    };

    /// <summary>The names, in alphabetical order.</summary>
    public static IReadOnlyList<string> Names
    {
        get
        {
            lock (Factories)
                return [.. Factories.Keys];
        }
    }

    /// <summary>Adds a method, or replaces the one of that name.</summary>
    public static void Add(string name, Func<IUnlearningMethod> factory)
    {
        lock (Factories)
            Factories[name] = factory;
    }

    /// <summary>A method by name.</summary>
    /// <exception cref="UsageException">There is no such method.</exception>
    public static IUnlearningMethod Create(string name)
    {
        lock (Factories)
        {
            if (Factories.TryGetValue(name, out var factory))
                return factory();
        }

        throw new UsageException($"method: got '{name}', wants one of {string.Join(", ", Names)}");
    }
}
