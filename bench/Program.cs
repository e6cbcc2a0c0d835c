using EscNative.Bench;
using EscNative.Bench.Cli;

var terminal = new Terminal();
using var interruption = new Interruption(() => terminal.Note("stopping; press Ctrl-C again to stop at once"));
return new Application(terminal, Environment.GetEnvironmentVariable, interruption.Token).Run(args);
