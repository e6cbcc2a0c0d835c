using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using EscNative.Bench.Cli;
using EscNative.Bench.Reports;
using EscNative.Bench.Requests;
using EscNative.Unlearning;
using EscNative.Unlearning.Methods;

namespace EscNative.Bench.Verbs;

/// <summary><c>methods</c>: which unlearning methods there are, what data each sees, and what it can be told.</summary>
internal static class MethodsCommand
{
    public static Verb Verb(OptionSet options)
    {
        var name = new Argument<string?>("NAME") { Description = "One method, with the meaning and the limits of its parameters.", Arity = ArgumentArity.ZeroOrOne };
        return new Verb(
            "methods",
            "Lists the unlearning methods: the data that each sees, what it does and after which source, its parameters and their defaults.",
            [options.Json, options.Force, options.Config, options.Quiet],
            ["escnative methods", "escnative methods scrub", "escnative methods --json methods.json"],
            context => Run(context, name))
        { Argument = name };
    }

    private static ExitCode Run(CommandContext context, Argument<string?> argument)
    {
        var name = context.Parsed.GetValue(argument);
        if (name is not null)
            OptionChecks.Known("methods", name, MethodRegistry.Names);
        Setup.CheckOutputs(context, context.Get(context.Options.Json));
        IUnlearningMethod[] methods = [.. (name is null ? MethodRegistry.Names : [name]).Select(MethodRegistry.Create)];
        Setup.Publish(context, Setup.Document(context, Setup.Idle()) with
        {
            Own = ResultJson.Own("methods", new JsonArray([.. methods.Select(Json)])),
            OwnSections = name is null ? [All(methods)] : [One(methods[0])],
        });
        return ExitCode.Ok;
    }

    private static Section All(IReadOnlyList<IUnlearningMethod> methods) => new(
        "Methods",
        new TextTable(
            ["method", "sees", "what it does", "parameters and their defaults"],
            [.. methods.Select(m => (IReadOnlyList<string>)[m.Name, Data(m), m.Description, string.Join(", ", m.Parameters.Select(p => $"{p.Name} {Text(p.Default)}"))])]),
        [
            "D_f: the training images to forget; D_r: those to keep. A method is given the data that it sees and no other.",
            "--method NAME chooses one, --set NAME=X or --set METHOD.NAME=X a parameter. escnative methods NAME tells what a method's parameters mean.",
        ]);

    private static Section One(IUnlearningMethod method) => new(
        $"Method {method.Name}",
        method.Parameters.Count == 0 ? null : new TextTable(
            ["parameter", " default", " from", " to", "what it is"],
            [.. method.Parameters.Select(p => (IReadOnlyList<string>)
            [
                p.Name, Text(p.Default), Text(p.Minimum), p.Maximum == double.MaxValue ? "" : Text(p.Maximum), p.IsWhole ? $"{p.Description} (whole)" : p.Description,
            ])]),
        [
            $"{method.Description}.",
            $"It sees {(method.DataUse == DataUse.ForgetOnly ? "the images to forget only (D_f)" : "the images to forget and those to keep (D_f, D_r)")}.",
            method.KeepsCheckpoint ? "With --checkpoint it can be stopped and resumed." : "It keeps no checkpoint.",
        ]);

    private static JsonNode Json(IUnlearningMethod method) => new JsonObject
    {
        ["method"] = method.Name,
        ["data"] = Data(method),
        ["description"] = method.Description,
        ["keepsCheckpoint"] = method.KeepsCheckpoint,
        ["parameters"] = new JsonArray([.. method.Parameters.Select(Json)]),
    };

    private static JsonNode Json(MethodParameter parameter)
    {
        var json = new JsonObject { ["name"] = parameter.Name, ["default"] = parameter.Default, ["minimum"] = parameter.Minimum };
        if (parameter.Maximum != double.MaxValue)
            json["maximum"] = parameter.Maximum;
        json["whole"] = parameter.IsWhole;
        json["description"] = parameter.Description;
        return json;
    }

    private static string Data(IUnlearningMethod method) => method.DataUse == DataUse.ForgetOnly ? "D_f" : "D_f, D_r";

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
