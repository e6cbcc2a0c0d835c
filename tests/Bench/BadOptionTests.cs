using System.CommandLine;
using EscNative.Bench;
using EscNative.Bench.Cli;

namespace EscNative.Tests.Bench;

/// <summary>Every option of every verb with a value that it cannot have: refused before anything is read, trained, made or deleted.</summary>
public sealed class BadOptionTests(SmallFiles files) : IClassFixture<SmallFiles>
{
    private const string Model = "--model-file {model}";

    private static readonly OptionSet Options = new();

    private static readonly Verb[] Verbs = [.. Application.Verbs(Options).Where(verb => !verb.Hidden)];

    // What a verb cannot do without, beside the option in hand.
    private static readonly Dictionary<string, string[]> Needed = new()
    {
        ["report"] = ["--json {new}", "--html {new2}", "--cache {folder}/cache"],
        ["train"] = ["--output {new}"],
        ["unlearn"] = [Model, "--output {new}", "--forget-class 4", "--k 1"],
        ["evaluate"] = [Model, "--original {model}", "--forget-class 4"],
        ["peers"] = [Model, "--filter esct-96", "--k 1"],
        ["manifest"] = ["--data {folder}"],
        ["inspect"] = [Model],
        ["export"] = ["{model}"],
    };

    // The value, and what the message says.
    private static readonly Dictionary<string, (string Value, string Says)> Bad = new()
    {
        ["--data"] = ("{folder}/none", "neither a file nor a folder"),
        ["--identities"] = ("-1", "--identities: got '-1'"),
        ["--resize"] = ("strech", "Did you mean 'stretch'?"),
        ["--on-bad-image"] = ("ignore", "wants error or skip"),
        ["--image-memory"] = ("-1", "wants a whole number from 0"),
        ["--forget-subject"] = ("anna", "not say whom"),
        ["--model-file"] = ("{folder}/none.safetensors", "does not exist"),
        ["--mean"] = ("0.5,x", "--mean: got 'x', wants numbers with commas between"),
        ["--std"] = ("0.5", "--std: wants --mean too"),
        ["--class-names"] = ("{folder}/none.txt", "neither a file nor a list"),
        ["--image-size"] = ("0", "wants a whole number from 1"),
        ["--original"] = ("{folder}/none.safetensors", "does not exist"),
        ["--retrain"] = ("{folder}/none.safetensors", "does not exist"),
        ["--forget-class"] = ("coatt", "Did you mean 'coat'?"),
        ["--without-class"] = ("coatt", "Did you mean 'coat'?"),
        ["--forget-indices"] = ("{folder}/none.txt", "does not exist"),
        ["--method"] = ("scrubb", "Did you mean 'scrub'?"),
        ["--set"] = ("epoch=2", "no method here has 'epoch'"),
        ["--scenario"] = ("samplse", "Did you mean 'samples'?"),
        ["--trials"] = ("0", "wants a whole number from 1"),
        ["--state"] = ("{existing}", "it is a file, wants a folder"),
        ["--shadows"] = ("7", "wants an even number from 6"),
        ["--p"] = ("100", "wants 0 to below 100"),
        ["--k"] = ("-1", "wants a whole number from 0"),
        ["--solver"] = ("svdd", "Did you mean 'svd'?"),
        ["--mode"] = ("papre", "Did you mean 'paper'?"),
        ["--runs"] = ("9", "wants a whole number from 10"),
        ["--seed"] = ("-1", "wants a whole number from 0"),
        ["--device"] = ("cpuu", "Did you mean 'cpu'?"),
        ["--threads"] = ("0", "wants a whole number from 1"),
        ["--precision"] = ("f23", "Did you mean 'f32'?"),
        ["--cache"] = ("{existing}", "it is a file, wants a folder"),
        ["--json"] = ("{existing}", "the file exists"),
        ["--html"] = ("{existing}", "the file exists"),
        ["--export"] = ("cvs=x", "Did you mean 'csv'?"),
        ["--config"] = ("{folder}/none.json", "none.json"),
        ["--output"] = ("{existing}", "the file exists"),
        ["--arch"] = ("allcn", "Did you mean 'allcnn'?"),
        ["--width"] = ("0", "wants more than 0"),
        ["--stem"] = ("cifra", "got stem 'cifra', wants imagenet or cifar"),
        ["--epochs"] = ("0", "wants a whole number from 1"),
        ["--batch"] = ("1", "wants 2 or more"),
        ["--learning-rate"] = ("0", "wants more than 0"),
        ["--weight-decay"] = ("-1", "wants a number from 0"),
        ["--augment"] = ("flipp", "Did you mean 'flip'?"),
        ["--crop-scale"] = ("0.5", "--crop-scale: got '0.5', wants two numbers above 0"),
        ["--crop-ratio"] = ("2,1", "--crop-ratio: got '2,1', wants two numbers above 0"),
        ["--crop"] = ("65", "wants a whole number from 0 to 64"),
        ["--checkpoint"] = ("{existing}", "the file exists"),
        ["--stop-after"] = ("99", "wants 0 to epochs"),
        ["--filter"] = ("xyzzy", "holds 'xyzzy'"),
        ["--peer"] = ("no-such-program", "no-such-program"),
        ["--rounds"] = ("2", "wants a whole number from 3"),
        ["--seconds"] = ("0", "wants a number from 0.001"),
        ["--job"] = ("shrot", "Did you mean 'short'?"),
    };

    // Where an option needs company.
    private static readonly Dictionary<(string Verb, string Option), string[]> Company = new()
    {
        [("report", "--set")] = ["--method esc,scrub"],
        [("report", "--state")] = ["--method esc,scrub"],
        [("report", "--shadows")] = ["--method esc,scrub"],
        [("train", "--stem")] = ["--arch resnet18"],
        [("peers", "--stem")] = ["--arch resnet18"],
        [("peers", "--width")] = ["--arch resnet18"],
        [("peers", "--image-size")] = ["--arch resnet18"],
        [("unlearn", "--set")] = ["--method scrub"],
        [("unlearn", "--checkpoint")] = ["--method scrub"],
    };

    public static TheoryData<string, string> Every
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var verb in Verbs)
            {
                foreach (var option in verb.Options)
                {
                    // doctor reports missing data as a finding and still says the rest.
                    if ((verb.Name, option.Name) is not (("doctor", "--data") or ("doctor", "--cache")))
                        all.Add(verb.Name, option.Name);
                }
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void A_value_that_an_option_cannot_have_is_refused_before_anything_happens(string verb, string option)
    {
        var flag = Verbs.Single(v => v.Name == verb).Options.Single(o => o.Name == option) is Option<bool>;
        var (value, says) = flag ? ("perhaps", "perhaps") : (verb, option) == ("peers", "--batch") ? ("0", "wants a whole number from 1") : Bad[option];
        var company = Company.GetValueOrDefault((verb, option), []);
        var names = company.Select(c => c.Split(' ')[0]).Append(option).ToArray();
        var rest = Needed.GetValueOrDefault(verb, []).Where(part => !names.Contains(part.Split(' ')[0]))
            // A file says itself what network it holds.
            .Where(part => !(part == Model && verb == "peers" && names.Contains("--arch")))
            // Directions are ESC's, and a request is named once.
            .Where(part => !(part.StartsWith("--k", StringComparison.Ordinal) && (names.Contains("--method") || option == "--p")))
            .Where(part => !(part.StartsWith("--forget-class", StringComparison.Ordinal) && (option is "--forget-indices" or "--forget-subject")));
        string[] line = [verb, .. company.Concat(rest).SelectMany(part => part.Split(' ')), flag ? $"{option}={value}" : option, .. flag ? (string[])[] : [value]];

        AssertRefused(says, line);
    }

    [Theory]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --set scrub.alhpa=1", "Did you mean 'scrub.alpha'?")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --set scrib.alpha=1", "Did you mean 'scrub.alpha'?")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --set epochs=0", "scrub: got epochs 0")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --set epochs=1,epochs=2", "'epochs' is given twice")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --solver svd", "has no use for them")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --mode official", "has no use for them")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --k 1", "--p and --k are for esc")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method esc-t --solver subspace-iteration", "it needs all directions")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method retrain --set batch=1", "batch: got 1")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --k 1 --solver svd-jacobi", "solver: got 'svd-jacobi'")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --k 1 --checkpoint {new2}", "esc is short and keeps none")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --resume", "wants the checkpoint to go on from")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --resume --checkpoint {new2}", "there is no checkpoint")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --method scrub --resume --checkpoint {existing} --json {existing}", "exist")]
    [InlineData("unlearn " + Model + " --output {new} --forget-class 4 --k 1 --json {model} --force", "an input is never replaced")]
    [InlineData("evaluate " + Model + " --forget-class 4 --json {model} --force", "an input is never replaced")]
    [InlineData("evaluate " + Model + " --forget-class 4 --retrain {model}", "--retrain wants --original")]
    [InlineData("evaluate " + Model + " --original {truncated} --forget-class 4", "{truncated}")]
    [InlineData("evaluate " + Model + " --original {model} --retrain {truncated} --forget-class 4", "{truncated}")]
    [InlineData("inspect {model} --json {model} --force", "an input is never replaced")]
    [InlineData("train --output {new} --checkpoint {new}", "two outputs have the same name")]
    [InlineData("train --output {new} --checkpoint {new2} --resume", "there is no checkpoint")]
    [InlineData("train --output {new} --without-class 0,1,2,3,4,5,6,7,8,9", "nothing would remain")]
    [InlineData("report {r} --method esc,scrib", "Did you mean 'scrub'?")]
    [InlineData("report {r} --method esc,esc", "esc is given twice")]
    [InlineData("report {r} --method esc,", "--method: got ''")]
    [InlineData("report {r} --method ALL", "--method: got 'ALL'")]
    [InlineData("report {r} --method scrub --k 1", "--p and --k are for esc")]
    [InlineData("report {r} --method esc,scrub --p 1 --k 1", "exclude each other")]
    [InlineData("report {r} --method esc,scrub --k 96", "k: got 96, wants 0 to 95")]
    [InlineData("report {r} --k 96", "k: got 96, wants 0 to 95")]
    [InlineData("report {r} --p 0.5", "nothing would be erased")]
    [InlineData("report {r} --forget-class 10", "forget class: got '10'")]
    [InlineData("report {r} --forget-class 4/4", "4 is given twice")]
    [InlineData("report {r} --forget-class 4/10", "forget class: got '10'")]
    [InlineData("report {r} --forget-class 0,1,2,3,4,5,6,7,8,9", "nothing would remain")]
    [InlineData("report {r} --forget-class 4 --forget-indices {existing}", "exclude each other")]
    [InlineData("report {r} --forget-indices {existing}", "'mine' is not a whole number")]
    [InlineData("report {r} --scenario samples --forget-class 4", "give it without --forget-class")]
    [InlineData("report {r} --method esc,esc-t --solver subspace-iteration", "it needs all directions")]
    [InlineData("report {r} --method esc,scrub --set ng.epochs=1", "no method here has 'ng.epochs'")]
    [InlineData("report {r} --method esc,scrub --set scrub.epochs=0", "scrub: got epochs 0")]
    [InlineData("report {r} --method esc,retrain --retrain {model}", "in place of the method retrain")]
    [InlineData("report {r} --set epochs=1", "--set is for comparisons of methods")]
    [InlineData("report {r} --state {folder}/state", "--state is for comparisons of methods")]
    [InlineData("report {r} --relearn", "--relearn is for comparisons of methods")]
    [InlineData("report {r} --identities 3", "the embedded images are no faces")]
    [InlineData("report {r} --data embeded", "Did you mean 'embedded'?")]
    [InlineData("peers " + Model + " --filter esct --k 99", "k: got 99")]
    [InlineData("peers " + Model + " --filter forwrad", "no workload's name holds 'forwrad'")]
    public void Options_that_do_not_go_together_are_refused_before_anything_happens(string line, string says) =>
        AssertRefused(says, line.Replace("{r}", "--json {new} --html {new2} --cache {folder}/cache", StringComparison.Ordinal).Split(' '));

    [Fact]
    public void A_misspelt_method_costs_no_checkpoint()
    {
        using var folder = new TemporaryFolder();
        var checkpoint = folder.Write("run.ckpt", "hours of work"u8.ToArray());
        foreach (var mistake in (string[])["--method typo", "--method scrub --set typo=1", "--method scrub --forget-class typo", "--method scrub --data typo"])
        {
            var outcome = CommandLine.Run(
                ["unlearn", "--model-file", files.Model, "--output", folder["out.safetensors"], "--checkpoint", checkpoint, "--force", .. mistake.Split(' '),
                .. mistake.Contains("--forget-class", StringComparison.Ordinal) ? (string[])[] : ["--forget-class", "4"]]);
            Assert.True(outcome.Code is 2 or 3, outcome.ToString());
            Assert.Equal(["run.ckpt"], folder.Files());
            Assert.Equal("hours of work", File.ReadAllText(checkpoint));
        }
    }

    [Fact]
    public void The_main_job_makes_no_folder_for_a_request_that_it_refuses()
    {
        using var folder = new TemporaryFolder();
        var outcome = ToolProcess.RunIn(folder.Path, null, "report", "--method", "esc,typo", "--cache", folder["cache"]);
        Assert.True(outcome.Code == 2, outcome.ToString());
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    private void AssertRefused(string says, string[] line)
    {
        string Fill(string text) => text.Replace("{model}", files.Model, StringComparison.Ordinal).Replace("{existing}", files.Existing, StringComparison.Ordinal)
            .Replace("{truncated}", files.Truncated, StringComparison.Ordinal).Replace("{folder}", files.Folder, StringComparison.Ordinal)
            .Replace("{new2}", files["second.out"], StringComparison.Ordinal).Replace("{new}", files["first.out"], StringComparison.Ordinal);
        var before = Directory.GetFileSystemEntries(files.Folder).Order().ToArray();
        var model = File.ReadAllBytes(files.Model);

        var outcome = CommandLine.Run([.. line.Select(Fill)]);

        Assert.True(outcome.Code is 2 or 3 || (outcome.Code == 5 && says.Contains("it is a file", StringComparison.Ordinal)), outcome.ToString());
        Assert.Contains(Fill(says), outcome.Error, StringComparison.Ordinal);
        // Nothing but the error: no progress, no remark, no result.
        Assert.Equal("escnative: ", outcome.Error[..11]);
        Assert.Single(outcome.Error.TrimEnd().Split('\n'));
        Assert.Empty(outcome.Output);
        Assert.Equal(before, Directory.GetFileSystemEntries(files.Folder).Order());
        Assert.Equal("mine", File.ReadAllText(files.Existing));
        Assert.Equal(model, File.ReadAllBytes(files.Model));
    }
}
