namespace EscNative.Models;

/// <summary>What an epoch of training came to.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Loss">The mean training loss.</param>
/// <param name="TrainAccuracy">Per cent of the augmented training images, in training mode, while the weights moved.</param>
/// <param name="TestAccuracy">Per cent of the test images, in evaluation mode; NaN without a test set.</param>
/// <param name="Seconds">Wall time, the test included.</param>
public readonly record struct EpochRecord(int Epoch, double Loss, double TrainAccuracy, double TestAccuracy, double Seconds);
