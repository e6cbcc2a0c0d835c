namespace EscNative.Tests.LinearAlgebra;

/// <summary>Dense matrices in plain float64 loops: the oracle that the solvers are held against. Row-major.</summary>
internal static class Matrices
{
    public const double Epsilon = 2.220446049250313e-16;

    public static double[] Random(int rows, int columns, Random random)
    {
        var a = new double[rows * columns];
        for (var i = 0; i < a.Length; i++)
            a[i] = 2 * random.NextDouble() - 1;
        return a;
    }

    public static double[] Identity(int n)
    {
        var a = new double[n * n];
        for (var i = 0; i < n; i++)
            a[i * n + i] = 1;
        return a;
    }

    /// <summary>[m, k] times [k, n].</summary>
    public static double[] Multiply(double[] a, double[] b, int m, int k, int n)
    {
        var c = new double[m * n];
        for (var i = 0; i < m; i++)
        {
            for (var p = 0; p < k; p++)
            {
                var x = a[i * k + p];
                for (var j = 0; j < n; j++)
                    c[i * n + j] += x * b[p * n + j];
            }
        }

        return c;
    }

    public static double[] Transpose(double[] a, int rows, int columns)
    {
        var t = new double[a.Length];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
                t[j * rows + i] = a[i * columns + j];
        }

        return t;
    }

    /// <summary>[n, k] with orthonormal columns, by Gram-Schmidt done twice.</summary>
    public static double[] Orthonormal(int n, int k, Random random)
    {
        var rows = Random(k, n, random);
        for (var j = 0; j < k; j++)
        {
            var v = rows.AsSpan(j * n, n);
            for (var pass = 0; pass < 2; pass++)
            {
                for (var i = 0; i < j; i++)
                    Add(v, rows.AsSpan(i * n, n), -Dot(v, rows.AsSpan(i * n, n)));
            }

            var norm = Math.Sqrt(Dot(v, v));
            for (var i = 0; i < n; i++)
                v[i] /= norm;
        }

        return Transpose(rows, k, n);
    }

    /// <summary>Q diag(values) Qᵀ for a random orthogonal Q, symmetric to the bit.</summary>
    public static double[] WithSpectrum(double[] values, Random random)
    {
        var n = values.Length;
        var q = Orthonormal(n, n, random);
        var a = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                double sum = 0;
                for (var k = 0; k < n; k++)
                    sum += q[i * n + k] * values[k] * q[j * n + k];
                a[i * n + j] = a[j * n + i] = sum;
            }
        }

        return a;
    }

    /// <summary>U Uᵀ for the first k of the columns of u, [n, columns].</summary>
    public static double[] Projector(double[] u, int n, int columns, int k)
    {
        var p = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                for (var c = 0; c < k; c++)
                    p[i * n + j] += u[i * columns + c] * u[j * columns + c];
            }
        }

        return p;
    }

    /// <summary>I - U Uᵀ for u, [n, k].</summary>
    public static double[] Complement(double[] u, int n, int k)
    {
        var p = Projector(u, n, k, k);
        for (var i = 0; i < p.Length; i++)
            p[i] = (i % (n + 1) == 0 ? 1 : 0) - p[i];
        return p;
    }

    public static double Trace(double[] a, int n)
    {
        double sum = 0;
        for (var i = 0; i < n; i++)
            sum += a[i * n + i];
        return sum;
    }

    /// <summary>The Frobenius norm of a - b: an upper bound of the spectral norm.</summary>
    public static double Distance(double[] a, double[] b)
    {
        Assert.Equal(a.Length, b.Length);
        double sum = 0;
        for (var i = 0; i < a.Length; i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        return Math.Sqrt(sum);
    }

    /// <summary>The largest entry of |UᵀU - I| for u, [n, k].</summary>
    public static double OrthogonalityError(double[] u, int n, int k)
    {
        double error = 0;
        for (var i = 0; i < k; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                double sum = 0;
                for (var r = 0; r < n; r++)
                    sum += u[r * k + i] * u[r * k + j];
                error = Math.Max(error, Math.Abs(sum - (i == j ? 1 : 0)));
            }
        }

        return error;
    }

    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        double sum = 0;
        for (var i = 0; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }

    private static void Add(Span<double> y, ReadOnlySpan<double> x, double factor)
    {
        for (var i = 0; i < y.Length; i++)
            y[i] += factor * x[i];
    }
}
