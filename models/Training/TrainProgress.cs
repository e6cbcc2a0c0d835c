namespace EscNative.Models;

/// <summary>How far training is.</summary>
/// <param name="Epoch">The epoch under way, from 0.</param>
/// <param name="Epochs">Epochs of the whole cycle.</param>
/// <param name="Step">Steps done in this epoch.</param>
/// <param name="StepsPerEpoch">Steps of an epoch.</param>
/// <param name="Loss">The mean loss of this epoch so far.</param>
/// <param name="Accuracy">The share of this epoch's augmented images that was classified correctly, in per cent.</param>
public readonly record struct TrainProgress(int Epoch, int Epochs, int Step, int StepsPerEpoch, double Loss, double Accuracy);
