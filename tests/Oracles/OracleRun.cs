using EscNative.Models;
using EscNative.Models.Data;

namespace EscNative.Tests.Oracles;

/// <summary>The checkpoint that PyTorch trained, run over the whole CIFAR-10 once by this engine, for every test that needs it.</summary>
internal static class OracleRun
{
    /// <summary>The forgotten class of every oracle.</summary>
    public const int ForgetClass = 4;

    private static readonly Lock Gate = new();
    private static (FeatureBank Train, FeatureBank Test)? _banks;

    public static ForgetSplit Split => ForgetSplit.Create(DataFolder.Open(TestData.Cifar10Folder), ForgetRequest.ForClasses(ForgetClass));

    public static ModelDescription Description
    {
        get
        {
            using var model = Model();
            return model.Description;
        }
    }

    public static Classifier Model() => ModelFile.Load(TestData.Oracle("cifar10_ori_allcnn.safetensors"));

    /// <summary>Features and scores of the original model on the 50,000 training and 10,000 test images.</summary>
    public static (FeatureBank Train, FeatureBank Test) Original
    {
        get
        {
            lock (Gate)
            {
                if (_banks is { } banks)
                    return banks;
                using var model = Model();
                var data = DataFolder.Open(TestData.Cifar10Folder);
                var made = (FeatureBank.Extract(model, data.Train), FeatureBank.Extract(model, data.Test));
                _banks = made;
                return made;
            }
        }
    }

    /// <summary>The largest absolute eigenvalue of a - b by power iteration: both symmetric, [d, d].</summary>
    public static double SpectralDistance(ReadOnlySpan<double> a, ReadOnlySpan<double> b, int d)
    {
        var difference = new double[d * d];
        for (var i = 0; i < difference.Length; i++)
            difference[i] = a[i] - b[i];
        var v = new double[d];
        for (var i = 0; i < d; i++)
            v[i] = Math.Sin(i + 1);
        double norm = 0;
        for (var iteration = 0; iteration < 500; iteration++)
        {
            var y = new double[d];
            for (var i = 0; i < d; i++)
            {
                for (var j = 0; j < d; j++)
                    y[i] += difference[(i * d) + j] * v[j];
            }

            norm = Math.Sqrt(y.Sum(x => x * x));
            if (norm < 1e-300)
                return 0;
            for (var i = 0; i < d; i++)
                v[i] = y[i] / norm;
        }

        return norm;
    }
}
