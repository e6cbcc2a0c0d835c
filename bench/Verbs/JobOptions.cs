using EscNative.Bench.Cli;
using EscNative.Bench.Requests;
using EscNative.Engine;
using EscNative.Unlearning;

namespace EscNative.Bench.Verbs;

/// <summary>The options that several verbs read alike.</summary>
internal static class JobOptions
{
    /// <summary>The request that the options describe, checked as far as neither device nor data matter.</summary>
    /// <param name="context">The options.</param>
    /// <param name="modelFile">The model; may be told later.</param>
    /// <param name="forgetClass">The class to forget where the user named nothing, or null where he must.</param>
    /// <exception cref="UsageException">Options exclude each other, or a name is unknown.</exception>
    public static ErasureJob Job(CommandContext context, string modelFile, string? forgetClass)
    {
        var options = context.Options;
        OptionChecks.Forget(context, needed: forgetClass is null);
        var (classes, indices) = (context.Get(options.ForgetClass), context.Get(options.ForgetIndices));
        var subjects = context.Get(options.ForgetSubject);
        var named = classes is not null || indices is not null || subjects is not null;
        if (!named)
            classes = forgetClass;
        var method = OptionChecks.Methods([context.Get(options.Method)])[0];
        OptionChecks.Solver(context);
        var unlearning = Unlearning(context) with { Parameters = OptionChecks.Settings(context, [method]).For(method) };
        if (method.Name != "esc" && (context.Has(options.P) || context.Has(options.K)))
            throw new UsageException($"--p and --k are for esc; {method.Name} removes no directions of that kind");
        method.CheckOptions(unlearning);
        return new ErasureJob(modelFile, context.Get(options.Data), classes, indices, method.Name, unlearning, Device.Cpu)
        {
            Identities = context.Get(options.Identities),
            ForgetSubjects = subjects,
            Photos = PhotoChoice.Of(context),
            Trust = DataTrust.Of(context),
            PaperClass = !named && forgetClass is not null,
        };
    }

    /// <summary>The options that every method has.</summary>
    /// <exception cref="UsageException">Options exclude each other.</exception>
    public static UnlearningOptions Unlearning(CommandContext context)
    {
        var options = context.Options;
        var k = context.Get(options.K);
        if (k is not null && context.Has(options.P))
            throw new UsageException("--p and --k exclude each other: give one of them");
        return new UnlearningOptions
        {
            Percent = k is null && context.Has(options.P) ? context.Get(options.P) : null,
            Directions = k,
            Solver = context.Get(options.Solver),
            Mode = context.Get(options.Mode) == "official" ? UnlearningMode.Official : UnlearningMode.Paper,
            Seed = (ulong)context.Get(options.Seed),
        };
    }
}
