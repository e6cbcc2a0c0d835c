namespace EscNative.Models.Data;

/// <summary>Which of CIFAR-100's two labels is the class.</summary>
public enum LabelLevel
{
    /// <summary>One of 100 classes.</summary>
    Fine,

    /// <summary>One of 20 superclasses.</summary>
    Coarse,
}
