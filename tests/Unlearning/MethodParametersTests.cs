using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Tests.Unlearning;

public sealed class MethodParametersTests
{
    [Fact]
    public void What_is_not_given_has_the_published_value()
    {
        var values = MethodParameters.Of(new Method(), With(("rate", 0.5)));
        Assert.Equal(0.5, values["rate"]);
        Assert.Equal(10, values.Whole("epochs"));
        Assert.Equal(["epochs", "rate"], values.Values.Keys);
    }

    [Theory]
    [InlineData("speed", 1, "method: got a value for 'speed', wants rate, epochs")]
    [InlineData("epochs", 0, "method: got epochs 0, wants a whole number from 1")]
    [InlineData("epochs", 1.5, "method: got epochs 1.5, wants a whole number from 1")]
    [InlineData("rate", 2, "method: got rate 2, wants a number from 0 to 1")]
    [InlineData("rate", double.NaN, "method: got rate NaN, wants a number from 0 to 1")]
    public void Anything_else_is_refused_with_what_would_do(string name, double value, string message) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => MethodParameters.Of(new Method(), With((name, value)))).Message);

    [Fact]
    public void Every_registered_method_has_sound_defaults_and_says_what_it_is()
    {
        foreach (var name in MethodRegistry.Names)
        {
            var method = MethodRegistry.Create(name);
            Assert.Equal(name, method.Name);
            Assert.False(string.IsNullOrWhiteSpace(method.Description));
            Assert.Equal(method.Parameters.Count, method.Parameters.Select(p => p.Name).Distinct().Count());
            foreach (var parameter in method.Parameters)
            {
                Assert.Matches("^[a-z][a-z0-9-]*$", parameter.Name);
                Assert.False(string.IsNullOrWhiteSpace(parameter.Description));
                Assert.Equal(parameter.Default, MethodParameters.Of(method, With((parameter.Name, parameter.Default)))[parameter.Name]);
            }
        }
    }

    private static UnlearningOptions With(params (string Name, double Value)[] values) => new() { Parameters = values.ToDictionary(v => v.Name, v => v.Value) };

    private sealed class Method : IUnlearningMethod
    {
        public string Name => "method";

        public string Description => "for the test";

        public DataUse DataUse => DataUse.ForgetOnly;

        public IReadOnlyList<MethodParameter> Parameters =>
            [new("rate", 0.1, "a share") { Maximum = 1 }, new("epochs", 10, "passes") { Minimum = 1, IsWhole = true }];

        public UnlearningResult Run(UnlearningContext context, IProgress<StageProgress>? progress = null, CancellationToken cancel = default) =>
            throw new NotSupportedException();
    }
}
