namespace EscNative.Unlearning.Training;

/// <summary>The parameters that many training methods have, under one name and with one meaning.</summary>
public static class TrainingParameters
{
    /// <summary><c>epochs</c>.</summary>
    public static MethodParameter Epochs(int value) =>
        new("epochs", value, "passes over the data") { Minimum = 1, Maximum = 100_000, IsWhole = true };

    /// <summary><c>learning-rate</c>.</summary>
    public static MethodParameter LearningRate(double value) => new("learning-rate", value, "the step size");

    /// <summary><c>momentum</c>.</summary>
    public static MethodParameter Momentum(double value) => new("momentum", value, "the share of the last step that goes on") { Maximum = 0.9999 };

    /// <summary><c>weight-decay</c>.</summary>
    public static MethodParameter WeightDecay(double value) => new("weight-decay", value, "added to the gradient as this times the weight");

    /// <summary><c>batch</c>.</summary>
    public static MethodParameter Batch(int value) => Batch("batch", value, "images in a step");

    /// <summary>The number of images in a step of one of several sets.</summary>
    public static MethodParameter Batch(string name, int value, string description) =>
        new(name, value, description) { Minimum = 1, Maximum = 1_000_000, IsWhole = true };

    /// <summary><c>flip</c>.</summary>
    public static MethodParameter Flip(bool value) => Switch("flip", value, "whether images are mirrored at random");

    /// <summary><c>temperature</c>.</summary>
    public static MethodParameter Temperature(double value) =>
        new("temperature", value, "what class scores are divided by before the softmax") { Minimum = 1e-3 };

    /// <summary>A parameter that is 0 or 1.</summary>
    public static MethodParameter Switch(string name, bool value, string description) =>
        new(name, value ? 1 : 0, description + ": 0 or 1") { Maximum = 1, IsWhole = true };

    /// <summary>A share from 0 to 1.</summary>
    public static MethodParameter Share(string name, double value, string description) => new(name, value, description) { Maximum = 1 };
}
