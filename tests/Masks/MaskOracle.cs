namespace EscNative.Tests.Masks;

/// <summary>ESC-T by its definition (methods, section 3) in plain float64 loops: A A^T is formed, and nothing is rearranged.</summary>
internal sealed class MaskOracle(double[] z, int[] labels, double[] u, double[] w, double[] bias, int d)
{
    private readonly int _r = u.Length / d;
    private readonly int _classes = bias.Length;

    public double[] Mask { get; } = [.. u.Select(_ => 1.0)];

    /// <summary>A case with features that the head mostly gets right.</summary>
    public static (double[] Z, int[] Labels, double[] U, double[] W, double[] Bias) Case(int n, int d, int r, int classes, Random random)
    {
        var z = LinearAlgebra.Matrices.Random(n, d, random);
        var u = LinearAlgebra.Matrices.Orthonormal(d, r, random);
        var w = LinearAlgebra.Matrices.Random(classes, d, random);
        var bias = LinearAlgebra.Matrices.Random(1, classes, random);
        // float32 throughout, so that every side starts from the same numbers.
        foreach (var values in (double[][])[z, u, w, bias])
        {
            for (var i = 0; i < values.Length; i++)
                values[i] = (float)values[i];
        }

        var oracle = new MaskOracle(z, new int[n], u, w, bias, d);
        var labels = Enumerable.Range(0, n).Select(i => i % 7 == 3 ? i % classes : oracle.Predict(i)).ToArray();
        return (z, labels, u, w, bias);
    }

    public double[] Logits(int row)
    {
        var a = new double[u.Length];
        for (var i = 0; i < a.Length; i++)
            a[i] = u[i] * Mask[i];
        var coordinates = new double[_r];
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < _r; j++)
                coordinates[j] += a[i * _r + j] * z[row * d + i];
        }

        var logits = (double[])bias.Clone();
        for (var i = 0; i < d; i++)
        {
            double y = 0;
            for (var j = 0; j < _r; j++)
                y += a[i * _r + j] * coordinates[j];
            for (var c = 0; c < _classes; c++)
                logits[c] += w[c * d + i] * y;
        }

        return logits;
    }

    public int Predict(int row)
    {
        var logits = Logits(row);
        return Array.IndexOf(logits, logits.Max());
    }

    public int CountHits() => Enumerable.Range(0, labels.Length).Count(row => Predict(row) == labels[row]);

    /// <summary>-(1/h) times the sum of the cross-entropies of the given rows; all of them are taken for hits.</summary>
    public double Loss(IReadOnlyCollection<int> hits) => hits.Count == 0 ? 0 : -hits.Average(row =>
    {
        var logits = Logits(row);
        var largest = logits.Max();
        return largest + Math.Log(logits.Sum(l => Math.Exp(l - largest))) - logits[labels[row]];
    });

    /// <summary>dL/dM = U o ((G + Gᵀ) A) with G = (E W)ᵀ Z.</summary>
    public double[] Gradient(ReadOnlySpan<int> rows, out int hits)
    {
        var wins = new List<int>();
        foreach (var row in rows)
        {
            if (Predict(row) == labels[row])
                wins.Add(row);
        }

        hits = wins.Count;
        var g = new double[d * d];
        foreach (var row in wins)
        {
            var logits = Logits(row);
            var largest = logits.Max();
            var sum = logits.Sum(l => Math.Exp(l - largest));
            for (var c = 0; c < _classes; c++)
            {
                var e = -(Math.Exp(logits[c] - largest) / sum - (c == labels[row] ? 1 : 0)) / wins.Count;
                for (var i = 0; i < d; i++)
                {
                    for (var j = 0; j < d; j++)
                        g[i * d + j] += e * w[c * d + i] * z[row * d + j];
                }
            }
        }

        var gradient = new double[u.Length];
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j < _r; j++)
            {
                double sum = 0;
                for (var k = 0; k < d; k++)
                    sum += (g[i * d + k] + g[k * d + i]) * u[k * _r + j] * Mask[k * _r + j];
                gradient[i * _r + j] = u[i * _r + j] * sum;
            }
        }

        return gradient;
    }

    public int Step(ReadOnlySpan<int> rows, double rate)
    {
        var gradient = Gradient(rows, out var hits);
        for (var i = 0; i < gradient.Length; i++)
            Mask[i] = Math.Clamp(Mask[i] - rate * gradient[i], 0, 1);
        return hits;
    }
}
