using EscNative.Bench;
using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Kernels.Cpu;

namespace EscNative.Tests.Bench;

/// <summary>The command line inside this process: parsing, layers, help. What needs a process of its own is in ToolTests.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("docotr", "unknown verb 'docotr'. Did you mean 'doctor'?")]
    [InlineData("xyzzy", "unknown verb 'xyzzy' (see escnative --help)")]
    [InlineData("doctor --thread 2", "doctor: unknown option '--thread'. Did you mean '--threads'?")]
    [InlineData("doctor extra", "doctor: unexpected 'extra'")]
    [InlineData("--quiet doctor", "report: unexpected 'doctor'; the verb comes first")]
    [InlineData("doctor --threads 0", "--threads: got '0', wants a whole number from 1 to 1024")]
    [InlineData("doctor --threads x", "--threads: got 'x'")]
    [InlineData("doctor --threads 1,5", "--threads: got '1,5'")]
    [InlineData("doctor --threads", "--threads")]
    [InlineData("doctor --threads 1 --threads 2", "--threads")]
    [InlineData("doctor --device gpu", "--device: got 'gpu', wants auto, cpu, cuda or cuda:N")]
    [InlineData("report --p 1,5", "--p: got '1,5', wants a number from 0 to 100, such as 1.5")]
    [InlineData("report --p -1", "--p")]
    [InlineData("report --p NaN", "--p: got 'NaN'")]
    [InlineData("report --k 1.5", "--k: got '1.5', wants a whole number from 0")]
    [InlineData("report --mode exact", "--mode: got 'exact', wants paper or official")]
    [InlineData("report --precision bf16", "--precision: got 'bf16', wants f32")]
    [InlineData("report --runs 3", "--runs: got '3', wants a whole number from 10")]
    [InlineData("train", "train: --output FILE is missing")]
    [InlineData("unlearn --forget-class 4", "unlearn: --model-file FILE is missing")]
    [InlineData("unlearn --model-file m --output m", "the input is never replaced")]
    [InlineData("evaluate", "evaluate: --model-file FILE is missing")]
    [InlineData("inspect", "inspect: --model-file FILE is missing")]
    [InlineData("inspect a --model-file b", "inspect: got two model files, 'a' and --model-file 'b'")]
    [InlineData("peers", "peers: --model-file FILE is missing; or give --arch NAME")]
    [InlineData("peers --model-file m --arch resnet18 --stem cifar", "m says itself what network it holds; leave --arch, --stem out")]
    [InlineData("peers --arch resnet19", "--arch: got 'resnet19', wants one of allcnn")]
    [InlineData("peers --arch resnet18 --batch 0", "--batch: got '0', wants a whole number from 1")]
    [InlineData("peers --arch vit-ti16 --image-size 40", "size: got 40, wants a multiple of the patch's 16 pixels")]
    [InlineData("peers --arch vit-ti16 --stem cifar", "stem: vit-ti16 has no such hyper-parameter")]
    [InlineData("peers --arch resnet18 --batch 60000", "--batch: got 60000, wants at most")]
    [InlineData("peers --arch resnet18 --batch 8 --filter forward-64", "there are forward-8, forward-1, train-8, esc-request")]
    [InlineData("kernels --peer a --peer b", "kernels: got 2 peers, wants one")]
    [InlineData("kernels --predict --peer a", "a peer cannot be predicted")]
    [InlineData("kernels --predict --filter xyzzy", "--filter: no prediction's name holds 'xyzzy'")]
    [InlineData("micro --job long", "--job: got 'long', wants full, short or dry")]
    [InlineData("busy", "unknown verb 'busy' (see escnative --help)")]
    [InlineData("doctor --json a.json --config none.json", "--config none.json")]
    public void A_usage_error_says_what_was_given_and_what_is_wanted(string line, string expected)
    {
        var (code, _, error) = Run(line.Split(' '));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.StartsWith("escnative: ", error, StringComparison.Ordinal);
        Assert.Equal(2, code);
    }

    [Fact]
    public void The_command_line_wins_over_the_environment_and_that_over_the_file()
    {
        var config = _folder.Write("config.json", "{\"$schema\": \"x\", \"threads\": 3, \"epochs\": 5}"u8.ToArray());
        Assert.Equal("3", Threads("doctor", "--config", config));
        _environment["ESC_THREADS"] = "2";
        Assert.Equal("2", Threads("doctor", "--config", config));
        Assert.Equal("1", Threads("doctor", "--config", config, "--threads", "1"));
        _environment.Remove("ESC_THREADS");
        _environment["ESC_CONFIG"] = config;
        Assert.Equal("3", Threads("doctor"));
    }

    [Theory]
    [InlineData("{\"thread\": 1}", "unknown key 'thread'. Did you mean 'threads'?")]
    [InlineData("{\"threads\": 1, \"threads\": 2}", "key 'threads' stands there twice")]
    [InlineData("{\"threads\": \"many\"}", "--threads: got 'many'")]
    [InlineData("{\"threads\": {}}", "'threads' wants a text, a number, true, false or an array of numbers")]
    [InlineData("{\"quiet\": \"perhaps\"}", "--quiet")]
    [InlineData("[1]", "wants one JSON object")]
    [InlineData("", "is empty, wants one JSON object")]
    [InlineData(" \n", "is empty, wants one JSON object")]
    [InlineData("{", "--config")]
    public void A_wrong_configuration_file_is_a_usage_error_that_names_it(string json, string expected)
    {
        var config = _folder.Write("config.json", System.Text.Encoding.UTF8.GetBytes(json));
        var (code, _, error) = Run("doctor", "--config", config);
        Assert.Equal(2, code);
        Assert.Contains(config, error, StringComparison.Ordinal);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_no_configuration_file()
    {
        var (code, _, error) = Run("doctor", "--config", _folder.Path);
        Assert.Equal(2, code);
        Assert.Contains($"--config {_folder.Path}: is a folder, wants a JSON file", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_environment_variable_is_named()
    {
        _environment["ESC_THREADS"] = "lots";
        var (code, _, error) = Run("doctor");
        Assert.Equal(2, code);
        Assert.Contains("ESC_THREADS: --threads: got 'lots'", error, StringComparison.Ordinal);
    }

    public static TheoryData<string> Verbs => [.. Application.Verbs(new OptionSet()).Where(verb => !verb.Hidden).Select(verb => verb.Name)];

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Every_verb_has_help_with_defaults_examples_and_exit_codes(string verb)
    {
        var (code, output, error) = Run(verb, "--help");
        Assert.Equal(0, code);
        Assert.Empty(error);
        Assert.Contains($"escnative {verb}", output, StringComparison.Ordinal);
        Assert.Contains("Examples:", output, StringComparison.Ordinal);
        Assert.Contains("130  cancelled", output, StringComparison.Ordinal);
        Assert.All(output.Split('\n'), line => Assert.True(line.TrimEnd().Length <= 110, line));
        // Help is given whatever else stands in the line.
        Assert.Equal(0, Run(verb, "--threads", "x", "--help").Code);
    }

    [Fact]
    public void Without_arguments_help_and_version_stand_for_the_whole_program()
    {
        var (code, output, _) = Run("--help");
        Assert.Equal(0, code);
        foreach (var verb in Application.Verbs(new OptionSet()))
            Assert.Equal(!verb.Hidden, output.Contains($"\n  {verb.Name} ", StringComparison.Ordinal));
        Assert.Matches("^escnative \\d+\\.\\d+\\.\\d+ \\(commit [0-9a-z]+\\)\\s*$", Run("--version").Output);
    }

    [Fact]
    public void An_argument_with_an_at_sign_is_no_file_of_arguments()
    {
        var arguments = _folder.Write("arguments", "--version"u8.ToArray());
        Assert.Equal(2, Run("@" + arguments).Code);
    }

    [Fact]
    public void An_unexpected_exception_is_a_bug_and_asks_for_a_report()
    {
        var (code, message) = Failure.Describe(new InvalidOperationException("a\u001b[2Jb"));
        Assert.Equal(ExitCode.Bug, code);
        Assert.Contains("Please report it", message, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Bug, Failure.Describe(new EscException(ErrorCode.Internal, "x")).Code);
    }

    public static TheoryData<int, int> Codes => new()
    {
        { (int)ErrorCode.Usage, 2 }, { (int)ErrorCode.BadInput, 3 }, { (int)ErrorCode.Device, 4 }, { (int)ErrorCode.OutOfResources, 5 },
    };

    [Theory]
    [MemberData(nameof(Codes))]
    public void Every_error_code_is_an_exit_code(int error, int exit) =>
        Assert.Equal((exit, "why"), ((int)Failure.Describe(new EscException((ErrorCode)error, "why")).Code, Failure.Describe(new EscException((ErrorCode)error, "why")).Message));

    [Fact]
    public void Lack_of_memory_or_disk_and_cancellation_have_codes_too()
    {
        Assert.Equal(5, (int)Failure.Describe(new IOException("No space left on device")).Code);
        Assert.Equal(5, (int)Failure.Describe(new InsufficientMemoryException()).Code);
        Assert.Equal(130, (int)Failure.Describe(new OperationCanceledException()).Code);
    }

    [Fact]
    public void Control_characters_of_a_name_do_not_reach_the_terminal()
    {
        var (code, _, error) = Run("inspect", _folder["no\u001b[2Jthing\u0007"]);
        Assert.Equal(3, code);
        Assert.DoesNotContain('\u001b', error);
        Assert.DoesNotContain('\u0007', error);
    }

    private string Threads(params string[] arguments)
    {
        var json = _folder[$"{Guid.NewGuid():N}.json"];
        var (code, output, error) = Run([.. arguments, "--json", json]);
        Assert.True(code == 0, output + error);
        return ResultJson.Parse(File.ReadAllText(json)).Setup.Threads.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private (int Code, string Output, string Error) Run(params string[] arguments)
    {
        var threads = CpuParallel.Threads;
        try
        {
            var (output, error) = (new StringWriter(), new StringWriter());
            var terminal = new Terminal(output, error, false, false, _environment.GetValueOrDefault);
            var code = new Application(terminal, _environment.GetValueOrDefault, TestContext.Current.CancellationToken).Run(arguments);
            return (code, output.ToString(), error.ToString());
        }
        finally
        {
            CpuParallel.Threads = threads;
        }
    }
}
