// dotnet tool restore && dotnet cake --target Test
var target = Argument("target", "Test");
var configuration = Argument("configuration", "Release");
var solution = "./EscNative.sln";
var packages = "./artifacts/packages";

// A filter that no test passes is an error, not a success.
ProcessArgumentBuilder SomeTests(ProcessArgumentBuilder arguments) => arguments.Append("-- RunConfiguration.TreatNoTestsAsError=true");

Task("Build")
    .Description("Builds the solution; warnings are errors.")
    .Does(() => DotNetBuild(solution, new DotNetBuildSettings { Configuration = configuration }));

Task("Test")
    .Description("Runs every test that this machine can run; the others say why they do not.")
    .IsDependentOn("Build")
    .Does(() => DotNetTest(solution, new DotNetTestSettings { Configuration = configuration, NoBuild = true, ArgumentCustomization = SomeTests }));

Task("Bench")
    .Description("The main job: profiles the latency of an erasure request and writes a report to artifacts/.")
    .IsDependentOn("Build")
    .Does(() => DotNetRun("./bench/EscNative.Bench.csproj", new DotNetRunSettings { Configuration = configuration, NoBuild = true }));

Task("Fuzz")
    .Description("Feeds damaged files to every reader of every format for --seconds (60) each.")
    .IsDependentOn("Build")
    .Does(() => DotNetTest(solution, new DotNetTestSettings
    {
        Configuration = configuration,
        NoBuild = true,
        Filter = "Kind=Fuzz",
        // Seeds, and how many files each reader was given.
        Loggers = new[] { "console;verbosity=detailed" },
        ArgumentCustomization = SomeTests,
        EnvironmentVariables = new Dictionary<string, string> { ["ESC_FUZZ_SECONDS"] = Argument("seconds", "60") },
    }));

Task("Pack")
    .Description("Packs EscNative.Engine, EscNative.Models, EscNative.Images, EscNative.Unlearning and the tool escnative.")
    .Does(() =>
    {
        CleanDirectory(packages);
        foreach (var project in new[] { "engine/EscNative.Engine", "models/EscNative.Models", "models/Images/EscNative.Images", "unlearning/EscNative.Unlearning", "bench/EscNative.Bench" })
            DotNetPack($"./{project}.csproj", new DotNetPackSettings { Configuration = configuration, OutputDirectory = packages });
    });

Task("TestCuda")
    .Description("Runs the engine's tests on CUDA: on a GPU with ESC_TEST_GPU=1, else on the emulated device, which needs g++.")
    .IsDependentOn("Build")
    .Does(() => DotNetTest(solution, new DotNetTestSettings
    {
        Configuration = configuration,
        NoBuild = true,
        Filter = "FullyQualifiedName~Tests.Engine.|FullyQualifiedName~Tests.Plans.",
        ArgumentCustomization = SomeTests,
        EnvironmentVariables = new Dictionary<string, string> { ["ESC_TEST_DEVICE"] = "cuda" },
    }));

Task("GpuBundle")
    .Description("Makes artifacts/gpu-bundle.tar.xz: programs, tests, runtime and the emulated device for a machine with a GPU and no .NET.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        if (StartProcess("bash", "bench/gpu/bundle.sh artifacts/gpu-bundle.tar.xz") != 0)
            throw new CakeException("bench/gpu/bundle.sh failed");
    });

RunTarget(target);
