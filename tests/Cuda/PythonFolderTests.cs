using EscNative.Kernels.Cuda.Loading;

namespace EscNative.Tests.Cuda;

/// <summary>NVIDIA's packages of a Python are found whether or not its environment is active.</summary>
public sealed class PythonFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PythonFolderTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux' folders");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("an environment on the path", "work/env")]
    [InlineData("a link on the path", "tools/python")]
    [InlineData("home", "home/.local")]
    [InlineData("home", "home/.venv")]
    [InlineData("home", "home/venv")]
    [InlineData("home", "home/miniconda3")]
    [InlineData("home", "home/miniforge3/envs/gpu")]
    [InlineData("home", "home/.pyenv/versions/3.11.9")]
    [InlineData("pyenv elsewhere", "pyenv/versions/3.13.0")]
    public void Without_an_active_environment(string where, string root)
    {
        var library = Directory.CreateDirectory(_folder[$"{root}/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib"]).FullName;
        var bin = Directory.CreateDirectory(_folder[$"{root}/bin"]).FullName;
        File.WriteAllText(Path.Combine(bin, "python3.12"), "");
        File.CreateSymbolicLink(Path.Combine(bin, "python3"), "python3.12");
        var links = Directory.CreateDirectory(_folder["links"]).FullName;
        File.CreateSymbolicLink(Path.Combine(links, "python3"), Path.Combine(bin, "python3"));
        // A link that leads nowhere is no reason to stop.
        var broken = Directory.CreateDirectory(_folder["broken"]).FullName;
        File.CreateSymbolicLink(Path.Combine(broken, "python3"), "/nowhere/python3");
        var environment = new Dictionary<string, string> { ["PATH"] = $"{broken}:relative:/nowhere", ["HOME"] = "/nowhere" };
        switch (where)
        {
            case "an environment on the path":
                environment["PATH"] += $":{bin}";
                break;
            case "a link on the path":
                environment["PATH"] += $":{links}";
                break;
            case "pyenv elsewhere":
                environment["PYENV_ROOT"] = _folder["pyenv"];
                environment["HOME"] = _folder["home"];
                break;
            default:
                environment["HOME"] = _folder["home"];
                break;
        }

        Assert.Contains(library, LibraryFolders.Of(environment.GetValueOrDefault, windows: false));
    }

    [Fact]
    public void The_active_environment_comes_before_the_others()
    {
        foreach (var root in (string[])["active", "home/.venv"])
            Directory.CreateDirectory(_folder[$"{root}/lib/python3.12/site-packages/nvidia/cublas/lib"]);
        var folders = LibraryFolders.Of(name => name switch { "VIRTUAL_ENV" => _folder["active"], "HOME" => _folder["home"], _ => null }, windows: false).ToList();
        var active = folders.IndexOf(_folder["active/lib/python3.12/site-packages/nvidia/cublas/lib"]);
        Assert.InRange(active, 0, folders.IndexOf(_folder["home/.venv/lib/python3.12/site-packages/nvidia/cublas/lib"]) - 1);
        // Nothing is looked for in the folder that the program was started in.
        Assert.All(folders.Skip(1), folder => Assert.True(Path.IsPathFullyQualified(folder), folder));
    }
}
