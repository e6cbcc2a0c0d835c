using EscNative.Models.Data;
using EscNative.Unlearning.Scenarios;

namespace EscNative.Tests.Scenarios;

public sealed class ScenarioTests
{
    [Theory]
    [InlineData(10, new[] { 4 })]
    [InlineData(20, new[] { 4, 14 })]
    [InlineData(37, new[] { 4, 14, 24 })]
    [InlineData(4, new[] { 3 })]
    public void The_first_trial_by_class_is_the_papers(int classes, int[] expected)
    {
        var trials = Scenario.ClassWise.Trials(Data(classes), 20, 42);
        Assert.Equal(expected, Classes(trials[0]));
        Assert.All(trials, t => Assert.Equal(expected.Length, Classes(t).Length));
        Assert.True(trials.Select(t => string.Join(',', Classes(t))).Distinct().Count() > 2, "further trials ask for other classes");
        Assert.Equal([.. Enumerable.Range(42, 20).Select(s => (ulong)s)], trials.Select(t => t.Seed));
    }

    [Fact]
    public void Equal_seeds_give_equal_requests_and_other_seeds_others()
    {
        foreach (var scenario in (Scenario[])[Scenario.ClassWise, Scenario.SeveralClasses(), Scenario.RandomSamples(), Scenario.OneSubject, Scenario.Incremental()])
        {
            var (a, b, c) = (Ask(7), Ask(7), Ask(8));
            Assert.Equal(a, b);
            Assert.NotEqual(a, c);

            string[] Ask(ulong seed) => [.. scenario.Trials(Data(12), 6, seed).Select(t => string.Join('|', t.Requests.Select(Text)))];
        }
    }

    [Fact]
    public void A_tenth_of_the_images_is_drawn_without_repetition()
    {
        var trial = Scenario.RandomSamples().Trials(Data(3, images: 60), 1, 5)[0];
        Assert.Equal(6, trial.Requests[0].Indices.Length);
        Assert.Equal(1, Scenario.RandomSamples(0.001).Trials(Data(3, images: 60), 1, 5)[0].Requests[0].Indices.Length);
    }

    [Fact]
    public void Requests_one_after_another_name_different_classes_the_papers_first()
    {
        var trials = Scenario.Incremental(5).Trials(Data(10), 8, 1);
        Assert.Equal(4, trials[0].Requests[0].Classes[0]);
        foreach (var trial in trials)
        {
            Assert.Equal(5, trial.Requests.Count);
            Assert.Equal(5, trial.Joint.Classes.Length);
        }
    }

    [Fact]
    public void Scenarios_that_make_no_sense_are_refused()
    {
        Refused("nothing would remain", () => Scenario.SeveralClasses(4).Trials(Data(4), 1, 0));
        Refused("nothing would remain", () => Scenario.Incremental().Trials(Data(5), 1, 0));
        Refused("got 1 classes, wants 2", () => Scenario.SeveralClasses(1));
        Refused("got 0 trials", () => Scenario.ClassWise.Trials(Data(4), 0, 0));
        Refused("got 100 %", () => Scenario.RandomSamples(100));
        Refused("got 'everything', wants one of class, classes", () => Scenario.Parse("everything"));
        Refused("given twice", () => Scenario.Given([ForgetRequest.ForClasses(1), ForgetRequest.ForClasses(1, 2)]));
        Refused("wants one or more of one kind", () => Scenario.Given([ForgetRequest.ForClasses(1), ForgetRequest.ForIndices(2)]));
        foreach (var name in Scenario.Names)
            Assert.Equal(name, Scenario.Parse(name).Name);

        static void Refused(string words, Action action) => Assert.Contains(words, Assert.Throws<UsageException>(action).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_further_request_does_not_see_what_was_forgotten_before()
    {
        var data = Data(4, images: 20);
        var first = ForgetSplit.Create(data, ForgetRequest.ForClasses(1));
        var second = first.Then(ForgetRequest.ForClasses(3));
        Assert.Equal(5, second.Forget.Count);
        Assert.Equal(10, second.Remain.Count);
        Assert.DoesNotContain(second.Remain.Labels(), label => label is 1 or 3);
        Assert.DoesNotContain(second.RemainTest.Labels(), label => label is 1 or 3);
        Assert.Throws<UsageException>(() => second.Then(ForgetRequest.ForClasses(1)));

        var some = ForgetSplit.Create(data, ForgetRequest.ForIndices(2, 5)).Then(ForgetRequest.ForIndices(6, 19));
        Assert.Equal([6, 19], Enumerable.Range(0, 2).Select(some.Forget.Id));
        Assert.Equal(16, some.Remain.Count);
        Assert.Contains(
            "got 5, which D_r no longer has", Assert.Throws<UsageException>(() => some.Then(ForgetRequest.ForIndices(5))).Message, StringComparison.Ordinal);
    }

    private static DataSet Data(int classes, int images = 0)
    {
        var labels = Enumerable.Range(0, images == 0 ? classes * 2 : images).Select(i => i % classes).ToArray();
        var set = new ImageSet("synthetic", new byte[labels.Length], labels, 1, 1, 1, Enumerable.Range(0, classes).Select(c => $"class {c}"));
        return new DataSet("toy", set, set, Normalisation.Half);
    }

    private static int[] Classes(ScenarioTrial trial) => trial.Requests[0].Classes.ToArray();

    private static string Text(ForgetRequest request) => request + string.Join(',', request.Indices.ToArray());
}
