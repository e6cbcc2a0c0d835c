using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Unlearning.Metrics.Membership;

/// <summary>Trains a model on all training images of a split, and makes it forget D_f.</summary>
/// <param name="split">The training images of this model, and the targets among them that it must forget.</param>
/// <param name="seed">The seed of this model's training and forgetting.</param>
/// <param name="cancel">Cancels it.</param>
/// <returns>The model after forgetting; the caller disposes it.</returns>
public delegate Classifier ULiraShadow(ForgetSplit split, ulong seed, CancellationToken cancel);
