namespace EscNative.Unlearning.Metrics.Relearning;

/// <summary>A model on its way back.</summary>
/// <param name="Steps">Steps of fine-tuning.</param>
/// <param name="Forget">Accuracy on D_f without the attacker's samples, in per cent; null if there is none, or it diverged.</param>
/// <param name="ForgetTest">Accuracy on D_ft, in per cent; null likewise.</param>
/// <param name="RemainTest">Accuracy on D_rt, in per cent: what the attack costs; null likewise.</param>
public sealed record RelearningPoint(int Steps, double? Forget, double? ForgetTest, double? RemainTest);
