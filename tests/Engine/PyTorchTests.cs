using EscNative.Engine;
using EscNative.Engine.Layers;

namespace EscNative.Tests.Engine;

/// <summary>Results recorded from PyTorch 2.6 in float64, to show that the oracles mean the same functions.</summary>
/// <remarks>
/// Inputs are sin(a i + b) for value i in the engine's layout: wave(*shape, a=.7, b=.1) =
/// torch.sin(torch.arange(n, dtype=torch.float64) * a + b).reshape(shape), permuted to NCHW where PyTorch wants it. The loss is
/// (y * wave(*y.shape, a=.9, b=.3)).sum() wherever gradients are recorded. Ten digits were printed.
/// </remarks>
public sealed class PyTorchTests
{
    private const double Digits = 1e-8;

    [Fact]
    public void Convolution_with_stride_padding_and_bias()
    {
        using var scope = Tensor.Scope();
        // F.conv2d(x, w, b, stride=2, padding=1)
        var (x, w, b) = (Wave((1, 4, 5, 2)), Wave((2, 3, 3, 2), 1.3, 0.4), Wave(2, 2, 1));
        var y = x.Conv2d(w, b, stride: 2, padding: 1);
        AssertClose(
            [
                2.988898808, -1.495314472, -1.363363796, 2.680911325, 1.960046431, -2.879076903, -1.845101405, -1.979174153,
                4.368480715, 1.396268105, -2.802767306, -0.005182548382,
            ], y);
        using var gradients = y.Backward(Wave(y.Shape, 0.9, 0.3));
        AssertClose(
            [
                0.03628187662, -0.886917023, 0.3270970254, 0.6893692203, -0.7973682019, -0.5023086379, -0.3007020998, -0.1556078267,
                0.3260455748, 1.115168172, -0.707633082, 0.3424556056, 0.3170292364, 0.1931269955, 0.6053720577, 0.2648905699,
                -0.5247910993, 0.1812903871, 0.4325494829, -0.4628229903, 0.6492117268, -0.004428451549, 0.3872464365, 0.4367296915,
                -0.6210501032, -1.113155866, 0.01449032849, 0.4202085705, -0.367003958, 0.5102511403, -0.1495295478, -0.6742500567,
                0.3661315774, -0.2566763757, -1.014919603, 0.2749592479, 0.4322305791, 0.1241426283, 0.6107132673, 0.5493074225,
            ], gradients[x]);
        AssertClose(
            [
                0.6302489773, 0.1422918611, -0.8140200522, -1.323303653, -1.334585343, -0.6260476379, 1.619817822, 0.9329384035,
                -0.7135189648, -1.449819656, -1.099687196, -0.1880846144, 0.9091532016, -0.2208857499, -1.4599336, -1.496223016,
                -0.1631110758, 0.8329800932, 1.350080139, 0.5660152806, -0.2571513999, -0.9956856571, -0.5665420454, -0.3891152021,
                1.595416028, 0.560714865, -0.3333244047, -0.774984858, 0.4183737817, 0.5991327578, 0.5301887738, -0.7669555522,
                -0.7816460065, -0.848821388, 0.6000886117, 0.4923459843,
            ], gradients[w]);
        AssertClose([0.9827322718, 0.5432600692], gradients[b]);
    }

    [Fact]
    public void Batch_norm_in_training()
    {
        using var scope = Tensor.Scope();
        // torch.nn.BatchNorm2d(3) with these scales and shifts
        var (x, gamma, beta) = (Wave((2, 2, 1, 3), 1.1, 0.2), Leaf(1.5, -0.5, 2), Leaf(0.1, 0.2, -0.3));
        var (y, _, _) = x.BatchNorm(gamma, beta, 1e-5);
        AssertClose(
            [
                1.01676908, -0.2909600339, 2.15289743, -0.8527621072, 0.703637745, -2.801606205, 2.022027499, -0.3089403754,
                1.088799555, -1.786034471, 0.6962626644, -1.64009078,
            ], y);
        using var gradients = y.Backward(Wave(y.Shape, 0.9, 0.3));
        AssertClose(
            [
                1.253763734, -0.1624735392, -0.8615770886, -1.062438124, 0.2053835173, 0.1961260185, -0.6625293718, 0.1610695067,
                1.281431094, 0.4712037627, -0.2039794848, -0.6159800243,
            ], gradients[x]);
        AssertClose([-1.689177176, 1.801545667, 3.424982585], gradients[gamma]);
        AssertClose([0.7405535802, 0.6802687138, 0.105170047], gradients[beta]);
    }

    [Fact]
    public void Batch_norm_running_statistics()
    {
        using var scope = Tensor.Scope();
        // The layer above after bn(x), then bn(wave(2, 2, 1, 3, a=.4, b=1)), then bn.eval()(x)
        using var norm = new BatchNorm2d(3);
        norm.Weight.Value.CopyFrom<float>([1.5f, -0.5f, 2]);
        norm.Bias.Value.CopyFrom<float>([0.1f, 0.2f, -0.3f]);
        var x = Wave((2, 2, 1, 3), 1.1, 0.2).To(DType.F32);
        _ = norm.Forward(x);
        AssertClose([-0.007076779866, -0.0002592301382, 0.006841608296], norm.RunningMean, 1e-7);
        AssertClose([0.925911579, 1.029083738, 0.9326638218], norm.RunningVariance, 1e-6);
        _ = norm.Forward(Wave((2, 2, 1, 3), 0.4, 1).To(DType.F32));
        AssertClose([0.003649280195, -0.001979083719, -0.00707686806], norm.RunningMean, 1e-7);
        AssertClose([0.9124642787, 1.01049335, 0.9145655897], norm.RunningVariance, 1e-6);
        norm.Training = false;
        AssertClose(
            [
                0.4062387957, -0.2802530895, 1.127408675, -0.4565632049, 0.6932722213, -1.436858913, 0.8701727385, -0.2978524829,
                0.5766710247, -0.8872750691, 0.6860533959, -0.8357015466,
            ], norm.Forward(x), 2e-6);
    }

    [Fact]
    public void Layer_norm()
    {
        using var scope = Tensor.Scope();
        // F.layer_norm(3 * wave(3, 4, a=1.7, b=.3), (4,), gamma, beta)
        var (x, gamma, beta) = (Logits(), Leaf(1.5, -0.5, 2, 0.7), Leaf(0.1, 0.2, -0.3, 0.4));
        var y = x.LayerNorm(gamma, beta);
        AssertClose(
            [
                0.8175296278, -0.4979788338, -1.811129851, -0.383122079, 1.699026549, -0.224863486, -2.99871529, 0.003529081419,
                2.057129071, 0.1641279419, -3.31667507, 0.4922884936,
            ], y);
        using var gradients = y.Backward(Wave(y.Shape, 0.9, 0.3));
        AssertClose(
            [
                0.1068004417, -0.1344546065, 0.4613136461, -0.4336594813, -0.4305660445, 0.3536215694, -0.2581073247, 0.3350517998,
                0.3695302846, -0.3026728279, 0.2753448581, -0.3422023148,
            ], gradients[x]);
        AssertClose([0.632050119, 0.5159316153, -0.09685825251, -0.426602379], gradients[gamma]);
        AssertClose([0.5457540243, 0.7904733852, 0.4369782476, -0.247213316], gradients[beta]);
    }

    [Fact]
    public void Losses()
    {
        using var scope = Tensor.Scope();
        var (x, teacher) = (Logits(), Wave((3, 4), 0.6, 0.9) * 2);
        var labels = Tensor.From([2, 0, 3], 3);
        // F.cross_entropy(x, labels), and with reduction='none'
        AssertLoss(
            2.542122098,
            [
                0.04486578452, 0.2828755723, -0.3295613293, 0.001819972487, -0.1367291825, 0.1276174069, 0.001576485371, 0.007535290265,
                0.2867626319, 0.02145361709, 0.000773607229, -0.3089898563,
            ], x, Loss.CrossEntropy(x, labels));
        AssertClose([4.481536566, 0.5279506697, 2.616879058], Loss.CrossEntropy(x, labels, Reduction.None));
        // F.cross_entropy(x, F.softmax(teacher, -1))
        AssertLoss(
            2.496790995,
            [
                -0.03452479825, 0.1610346949, -0.08937180856, -0.03713808808, 0.006748081573, 0.06184336072, -0.03526768502,
                -0.03332375727, 0.2767567191, -0.009676479562, -0.09494635007, -0.1721338895,
            ], x, Loss.SoftCrossEntropy(x, teacher.Detach().Softmax()));
        // F.kl_div(F.log_softmax(x / 2, -1), F.softmax(teacher / 2, -1), reduction='batchmean') * 4
        AssertLoss(
            1.881943253,
            [
                0.000835560384, 0.2129339, -0.1312192755, -0.08255018488, 0.05141538201, 0.09947379111, -0.08925239161, -0.06163678151,
                0.3475321285, -0.001516465331, -0.179006735, -0.1670089282,
            ], x, Loss.KlDivergence(x, teacher, 2));
    }

    [Fact]
    public void Exact_gelu()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(-6, -3, -1, -0.5, -1e-3, 0, 0.5, 1, 3, 6);
        var y = x.Gelu();
        AssertClose(
            [
                -5.919525869e-09, -0.004049694095, -0.1586552539, -0.1542687694, -0.0004996010578, 0, 0.3457312306, 0.8413447461,
                2.995950306, 5.999999994,
            ], y);
        using var gradients = y.Sum().Backward();
        AssertClose(
            [
                -3.546870945e-08, -0.0119456472, -0.08331547059, 0.1325048753, 0.4992021157, 0.5, 0.8674951247, 1.083315471,
                1.011945647, 1.000000035,
            ], gradients[x]);
    }

    [Fact]
    public void Silu()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(-90, -6, -3, -1, -0.5, -0.001, 0, 0.5, 1, 3, 5.9, 6, 7, 90);
        var y = x.Silu();
        AssertClose(
            [
                -7.374611362e-38, -0.01483573894, -0.1422776195, -0.2689414214, -0.1887703344, -0.00049975, 0,
                0.3112296656, 0.7310585786, 2.85772238, 5.883881431, 5.985164261, 6.993622642, 90,
            ], y);
        using var gradients = y.Sum().Backward();
        AssertClose(
            [
                -7.292671235e-38, -0.01232643259, -0.08810410602, 0.07232948813, 0.2600388127, 0.4995000001, 0.5,
                0.7399611873, 0.9276705119, 1.088104106, 1.013342572, 1.012326433, 1.005460497, 1,
            ], gradients[x]);
    }

    [Fact]
    public void Relu6()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(-90, -6, -3, -1, -0.5, -0.001, 0, 0.5, 1, 3, 5.9, 6, 7, 90);
        var y = x.Relu6();
        AssertClose(
            [
                0, 0, 0, 0, 0, 0, 0,
                0.5, 1, 3, 5.9, 6, 6, 6,
            ], y);
        using var gradients = y.Sum().Backward();
        AssertClose(
            [
                0, 0, 0, 0, 0, 0, 0,
                1, 1, 1, 1, 0, 0, 0,
            ], gradients[x]);
    }

    [Fact]
    public void Gelu_by_tanh()
    {
        using var scope = Tensor.Scope();
        var x = Leaf(-90, -6, -3, -1, -0.5, -0.001, 0, 0.5, 1, 3, 5.9, 6, 7, 90);
        var y = x.GeluTanh();
        AssertClose(
            [
                -0, -8.43964898e-11, -0.003637392082, -0.1588080094, -0.1542859902, -0.0004996010578, 0,
                0.3457140098, 0.8411919906, 2.996362608, 5.9, 6, 7, 90,
            ], y);
        using var gradients = y.Sum().Backward();
        AssertClose(
            [
                0, -7.709976013e-10, -0.01158416663, -0.08296408385, 0.1326300965, 0.4992021157, 0.5,
                0.8673699035, 1.082964084, 1.011584167, 1.000000002, 1.000000001, 1, 1,
            ], gradients[x]);
    }

    [Fact]
    public void Adaptive_pooling()
    {
        using var scope = Tensor.Scope();
        // F.adaptive_avg_pool2d(x, (2, 3)), then with more windows than pixels, (4, 5)
        var x = Wave((1, 5, 7, 2));
        var y = x.AdaptiveAveragePool2d(2, 3);
        AssertClose(
            [
                0.1222719661, 0.06876991806, -0.128076581, -0.1010263997, 0.1190812657, 0.1216087435, 0.06322909461, -0.02345879127,
                -0.0969212194, -0.02010507811, 0.1194135818, 0.06134569878,
            ], y);
        using var gradients = y.Backward(Wave(y.Shape, 0.9, 0.3));
        AssertClose(
            [
                0.03283557852, 0.1035598984, 0.03283557852, 0.1035598984, 0.1287477304, 0.1192398993, 0.09591215185, 0.0156800009,
                0.01949368972, -0.09500495564, -0.07641846213, -0.1106849565, -0.07641846213, -0.1106849565, 0.03283557852, 0.1035598984,
                0.03283557852, 0.1035598984, 0.1287477304, 0.1192398993, 0.09591215185, 0.0156800009, 0.01949368972, -0.09500495564,
                -0.07641846213, -0.1106849565, -0.07641846213, -0.1106849565, -0.02835170399, 0.1381756055, -0.02835170399, 0.1381756055,
                0.1717826675, 0.2488110406, 0.2001343715, 0.1106354351, 0.1375441786, -0.07781337559, -0.06259019285, -0.1884488107,
                -0.06259019285, -0.1884488107, -0.06118728251, 0.03461570706, -0.06118728251, 0.03461570706, 0.04303493713, 0.1295711413,
                0.1042222196, 0.09495543423, 0.1180504889, 0.01719158005, 0.01382826928, -0.07776385418, 0.01382826928, -0.07776385418,
                -0.06118728251, 0.03461570706, -0.06118728251, 0.03461570706, 0.04303493713, 0.1295711413, 0.1042222196, 0.09495543423,
                0.1180504889, 0.01719158005, 0.01382826928, -0.07776385418, 0.01382826928, -0.07776385418,
            ], gradients[x]);
        var small = Wave((2, 3, 2, 1));
        var large = small.AdaptiveAveragePool2d(4, 5);
        AssertClose(
            [
                0.09983341665, 0.09983341665, 0.4085947538, 0.7173560909, 0.7173560909, 0.5486642016, 0.5486642016, 0.6557952245,
                0.7629262474, 0.7629262474, 0.6183721579, 0.6183721579, 0.4006800691, 0.1829879803, 0.1829879803, 0.2392493292,
                0.2392493292, -0.101635557, -0.4425204433, -0.4425204433, -0.9161659367, -0.9161659367, -0.9375451057, -0.9589242747,
                -0.9589242747, -0.7334257397, -0.7334257397, -0.5773066373, -0.4211875349, -0.4211875349, 0.08914174876, 0.08914174876,
                0.3233440119, 0.5575462751, 0.5575462751, 0.7289690401, 0.7289690401, 0.8637561928, 0.9985433454, 0.9985433454,
            ], large);
        using var smallGradients = large.Backward(Wave(large.Shape, 0.9, 0.3));
        AssertClose(
            [
                0.9636242411, 0.8591433155, -1.231888014, 0.6209973968, 1.306971048, -2.003755283, -0.6883956701, 1.931937908,
                -0.7169175175, -0.3947386374, 2.009805992, -1.204362284,
            ], smallGradients[small]);
    }

    [Fact]
    public void Pooling_with_overlap_and_padding()
    {
        using var scope = Tensor.Scope();
        var x = Wave((1, 4, 5, 1), 1.9);
        // F.max_pool2d(x, 3, 2, 1); F.avg_pool2d(x, 3, 2, 1), also with count_include_pad=False
        AssertClose([0.9092974268, 0.9092974268, 0.9881682339, 0.8366556385, 0.8366556385, 0.9999937429], x.MaxPool2d(3, 2, 1));
        AssertClose(
            [-0.004516456938, 0.002065930736, -0.00851038205, -0.1198173679, 0.03080012151, -0.07439447897], x.AveragePool2d(3, 2, 1));
        AssertClose(
            [-0.01016202811, 0.003098896104, -0.01914835961, -0.1797260518, 0.03080012151, -0.1115917185],
            x.AveragePool2d(3, 2, 1, countPadding: false));
    }

    private static Tensor Logits() => (Wave((3, 4), 1.7, 0.3) * 3).Detach().RequireGradient();

    private static Tensor Leaf(params double[] values) => Tensor.From(values, values.Length).RequireGradient();

    private static Tensor Wave(Shape shape, double a = 0.7, double b = 0.1)
    {
        var values = new double[shape.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = Math.Sin((a * i) + b);
        return Tensor.From(values, shape).RequireGradient();
    }

    private static void AssertLoss(double wanted, double[] wantedGradient, Tensor x, Tensor loss)
    {
        Assert.Equal(wanted, loss.Item(), Digits);
        using var gradients = loss.Backward();
        AssertClose(wantedGradient, gradients[x]);
    }

    private static void AssertClose(double[] wanted, Tensor got, double tolerance = Digits)
    {
        using var values = got.To(DType.F64);
        Close.AssertEqual(new NdArray([wanted.Length], wanted), values.ToNdArray().Reshape(wanted.Length), tolerance, "PyTorch");
    }
}
