namespace EscNative.Unlearning.Statistics;

/// <summary>Moves each column of the features to mean 0 and deviation 1: (z - mean) scale.</summary>
/// <param name="Mean">[d].</param>
/// <param name="Scale">[d], 1 / standard deviation; 0 for a column without information.</param>
internal sealed record Standardiser(double[] Mean, double[] Scale)
{
    // A column that varies by less than its own float32 rounding holds noise, which scaling would blow up to full size.
    private const double Rounding = 1.0 / (1 << 22);

    /// <summary>Changes nothing.</summary>
    public static Standardiser Identity(int width)
    {
        var scale = new double[width];
        Array.Fill(scale, 1);
        return new Standardiser(new double[width], scale);
    }

    /// <summary>By the population mean and deviation of given rows, in two passes.</summary>
    public static Standardiser Of(FeatureSplit features)
    {
        var (mean, scale) = (new double[features.Width], new double[features.Width]);
        for (var row = 0; row < features.Rows; row++)
        {
            var z = features.Row(row);
            for (var j = 0; j < z.Length; j++)
                mean[j] += z[j];
        }

        for (var j = 0; j < mean.Length; j++)
            mean[j] /= features.Rows;
        for (var row = 0; row < features.Rows; row++)
        {
            var z = features.Row(row);
            for (var j = 0; j < z.Length; j++)
                scale[j] += (z[j] - mean[j]) * (z[j] - mean[j]);
        }

        for (var j = 0; j < scale.Length; j++)
        {
            var deviation = Math.Sqrt(scale[j] / features.Rows);
            scale[j] = deviation > Rounding * Math.Abs(mean[j]) ? 1 / deviation : 0;
        }

        return new Standardiser(mean, scale);
    }
}
