using EscNative.Unlearning.Features;

namespace EscNative.Unlearning.Methods;

/// <summary>
/// Erasure by class prototypes (MoRE, submitted to ICLR 2026): P = [p_1 .. p_C] are the classes' mean features and D = P⁺, so that
/// D z says how much of each class a feature holds.
/// </summary>
/// <remarks>
/// No code was released; tolerance and ridge are ours. D has to be a truncated or a ridge pseudo-inverse: with prototypes that are
/// nearly collinear the exact one is enormous. Where neither acts, D P = I and the forgotten prototypes are mapped exactly.
/// </remarks>
public abstract class PrototypeMethod : FeatureMethod
{
    /// <summary>The parameters of both.</summary>
    private protected static readonly MethodParameter[] Common =
    [
        new("tolerance", 1e-3, "singular values of P up to this share of the largest are dropped (ours)") { Maximum = 1 },
        new("ridge", 0, "added to the squared singular values, as a share of the largest squared (ours)"),
    ];

    private protected PrototypeMethod()
    {
    }

    /// <inheritdoc/>
    public override string? WhyNotApplicable(UnlearningContext context) => ForgottenClasses.WhyNotByClass(Name, context);

    private protected override FeatureChange Solve(FeatureTask task)
    {
        var (context, classes) = (task.Context, task.Classes);
        var prototypes = new Prototypes(task.Width, context.Model.Classes);
        task.Read(context.Forget, prototypes.Add);
        task.Read(context.Remain, prototypes.Add);
        using (context.Stage("solve"))
        {
            var matrix = prototypes.Matrix();
            var inverse = Prototypes.Inverse(matrix, task.Width, task.Parameters["tolerance"], task.Parameters["ridge"], task.Notes);
            var present = prototypes.Classes;
            int[] forgotten = [.. classes.Forgotten.Select(c => Array.IndexOf(present, c))];
            int[] remaining = [.. classes.Remaining.Select(c => Array.IndexOf(present, c))];
            return Prototypes.Change(matrix, inverse, task.Width, forgotten, Targets(task, present, forgotten, remaining));
        }
    }

    /// <summary>For each forgotten class the columns of P whose mean takes its place; none to erase it.</summary>
    private protected abstract int[][] Targets(FeatureTask task, int[] present, int[] forgotten, int[] remaining);
}
