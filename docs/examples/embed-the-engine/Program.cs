// Trains a small network with the engine alone, compiles it to a plan, and runs the plan.
using System.Globalization;
using EscNative.Engine;
using EscNative.Engine.Layers;
using EscNative.Engine.Optimization;
using EscNative.Engine.Plans;
using EscNative.Kernels;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int points = 512, steps = 200;
var (coordinates, labels) = TwoSpirals(points);

// Modules own their parameters; dispose of the network, and they are gone.
using var network = new Sequential(
    new Linear(2, 64, new RandomSource(1)), new Relu(), new Linear(64, 64, new RandomSource(2)), new Relu(), new Linear(64, 2, new RandomSource(3)));
using var adam = new Adam(network.Parameters, learningRate: 0.01);
using var x = Tensor.From(coordinates, (points, 2));
using var y = Tensor.From(labels, points);

double loss = 0;
for (var step = 0; step < steps; step++)
{
    // Every tensor that a step makes goes back to the pool at its end.
    using var scope = Tensor.Scope();
    var error = Loss.CrossEntropy(network.Forward(x), y);
    using var gradients = error.Backward();
    adam.Step(gradients);
    loss = error.Item();
}

Console.WriteLine($"loss after {steps} steps: {loss:0.000}");

// A plan is a copy, fused and with its memory laid out once. Any number of threads may run it at the same time.
using var plan = InferencePlan.Compile(network, image: 2);
var scores = new float[points * 2];
plan.Run(coordinates, scores);
var right = Enumerable.Range(0, points).Count(i => (scores[(2 * i) + 1] > scores[2 * i] ? 1 : 0) == labels[i]);
Console.WriteLine($"plan of {plan.Steps.Count} steps: {100.0 * right / points:0.0} % right");

using var check = Tensor.Scope();
using var noGrad = Tensor.NoGrad();
var eager = network.Forward(x).ToArray();
Console.WriteLine($"largest difference to Forward: {scores.Zip(eager, (a, b) => Math.Abs(a - b)).Max():0.00000}");

// Two arms that wind around each other: no line parts them.
static (float[] Coordinates, int[] Labels) TwoSpirals(int count)
{
    var (coordinates, labels) = (new float[2 * count], new int[count]);
    for (var i = 0; i < count; i++)
    {
        labels[i] = i % 2;
        var radius = (i + 1.0) / count;
        var angle = (3 * Math.PI * radius) + (Math.PI * labels[i]);
        coordinates[2 * i] = (float)(radius * Math.Cos(angle));
        coordinates[(2 * i) + 1] = (float)(radius * Math.Sin(angle));
    }

    return (coordinates, labels);
}
