using System.Globalization;
using EscNative.Bench.Reports;

namespace EscNative.Bench.Screens;

/// <summary>A line of the first screen.</summary>
/// <param name="Text">It, no longer than the screen is wide.</param>
/// <param name="IsHeading">Whether it heads what follows.</param>
internal readonly record struct ScreenLine(string Text, bool IsHeading = false);

/// <summary>The headline of a result as lines: 24 of 80 columns hold it.</summary>
/// <param name="headline">What to show.</param>
/// <param name="width">The terminal's columns.</param>
/// <param name="unicode">Whether it shows block characters.</param>
internal sealed class FirstScreen(HeadlineResult headline, int width, bool unicode)
{
    private const int Narrowest = 40;
    // A longer line is not easier to read.
    private const int Widest = 120;
    private const int WholeTable = 80;
    private const int WholeWords = 104;
    private const int MostBars = 3;
    private const string Margin = "  ";

    private readonly int _width = Math.Clamp(width, Narrowest, Widest);
    private readonly List<ScreenLine> _lines = [];

    /// <summary>The lines of a headline.</summary>
    public static IReadOnlyList<ScreenLine> Lines(HeadlineResult headline, int width, bool unicode) => new FirstScreen(headline, width, unicode).Render();

    private List<ScreenLine> Render()
    {
        var asked = ScreenText.Safe($"{char.ToUpperInvariant(headline.Asked[0])}{headline.Asked[1..]}");
        var whole = $"{asked}: {headline.Images}";
        if (ScreenText.Cells(whole) <= _width)
            _lines.Add(new ScreenLine(whole, IsHeading: true));
        else
            _lines.AddRange([new ScreenLine(ScreenText.Cut(asked, _width), IsHeading: true), new ScreenLine(ScreenText.Cut(Margin + headline.Images, _width))]);
        Text(headline.Setting, Margin);
        Times();
        Effects();
        Methods();
        Stages();
        foreach (var warning in headline.Warnings)
            Text($"WARNING {warning}", "", indent: 8);
        Text($"VERDICT {headline.Verdict}", "", indent: 8, isHeading: true);
        return _lines;
    }

    private void Times()
    {
        if (headline.Latency is not { } time)
            return;
        Text(
            $"TIME {Milliseconds(time.MedianMs)} a request: median of {Numbers.Count(time.Runs)} runs (p05-p95 {Numbers.Short(time.LowMs)}-{Numbers.Short(time.HighMs)} ms), the first {Milliseconds(time.ColdMs)}",
            "", indent: 5, isHeading: true);
        if (headline.Relations.Count == 0)
            return;
        var name = Math.Min(24, headline.Relations.Max(r => ScreenText.Cells(r.To)));
        foreach (var relation in headline.Relations)
        {
            var ratio = double.IsFinite(relation.Ratio) ? $"{Ratio(relation.Ratio)} times {(relation.Against == RelationResult.Request ? "the request" : "ESC alone")}"
                : double.IsFinite(relation.Milliseconds) ? "on another machine" : "not timed here";
            // The paper's ratio is to its own ESC; where that is the relation itself, it says nothing.
            var claim = double.IsFinite(relation.Claimed) && (relation.Measured || !double.IsFinite(relation.Milliseconds)) ? $"paper {Ratio(relation.Claimed)}" : "";
            var note = string.Join("; ", new[] { claim, relation.Note }.Where(part => part.Length > 0));
            var line = $"{Margin}{ScreenText.Left(ScreenText.Safe(relation.To), name)} {ScreenText.Right(Milliseconds(relation.Milliseconds), 8)}  {ScreenText.Left(ratio, 23)} ";
            _lines.Add(new ScreenLine(ScreenText.Cut(line + ScreenText.Safe(note), _width).TrimEnd()));
        }
    }

    private void Effects()
    {
        if (headline.Effects.Count > 0)
        {
            Heading("WHAT IT DID: % answered right");
            // What is kept is seen on the unseen images; the training images of it are in the sections.
            Rows(headline.Effects.Where(e => e.Name != "D_r" || headline.Effects.All(other => other.Name != "D_rt")));
        }

        if (headline.Attacks.Count > 0)
        {
            Heading("WHAT AN ATTACKER FINDS, in %");
            Rows(headline.Attacks);
            if (headline.Attacks.Any(a => a.Metric.StartsWith("KR", StringComparison.Ordinal)))
                Text("KR, knowledge retention: what a new head, trained on the features, recognises", Margin);
        }
    }

    private void Heading(string title)
    {
        if (_width < WholeTable)
        {
            Text(title, "", isHeading: true);
            return;
        }

        var known = headline.Effects.Concat(headline.Attacks).Any(e => double.IsFinite(e.Retrain));
        _lines.Add(new ScreenLine(
            (ScreenText.Left(title, Label(known)) + Columns("before", "after", "95 %", known ? "Retrain" : null) + Margin + "verdict").TrimEnd(), IsHeading: true));
    }

    private void Rows(IEnumerable<EffectResult> effects)
    {
        var known = headline.Effects.Concat(headline.Attacks).Any(e => double.IsFinite(e.Retrain));
        foreach (var e in effects)
        {
            var interval = double.IsFinite(e.Low) ? $"{Value(e, e.Low)}-{Value(e, e.High)}" : "";
            if (_width < WholeTable)
            {
                _lines.Add(new ScreenLine(ScreenText.Cut(Margin + ScreenText.Safe(e.Label), _width)));
                var after = interval.Length > 0 ? $"{Value(e, e.After)} ({interval})" : Value(e, e.After);
                Text($"{Value(e, e.Before)} -> {after}{(known ? $", Retrain {Value(e, e.Retrain)}" : "")}: {e.Verdict.Short()}", Margin + Margin);
                continue;
            }

            var verdict = _width >= WholeWords ? e.Verdict.Words() : e.Verdict.Short();
            var line = ScreenText.Left(Margin + ScreenText.Safe(e.Label), Label(known))
                + Columns(Value(e, e.Before), Value(e, e.After), interval, known ? Value(e, e.Retrain) : null) + Margin;
            _lines.Add(new ScreenLine(ScreenText.Cut(line + verdict, _width)));
        }
    }

    private int Label(bool known) => Math.Min(46, _width - ScreenText.Cells(Columns("", "", "", known ? "" : null)) - Margin.Length - (_width >= WholeWords ? 25 : 11));

    private static string Columns(string before, string after, string interval, string? retrain) =>
        ScreenText.Right(before, 7) + ScreenText.Right(after, 7) + ScreenText.Right(interval, 11) + (retrain is null ? "" : ScreenText.Right(retrain, 8));

    private void Methods()
    {
        if (headline.Methods.Count > 0)
            _lines.AddRange(MethodTable.Lines(headline.Methods, _width));
    }

    private void Stages()
    {
        if (headline.Stages.Count == 0)
            return;
        var total = headline.Stages.Sum(s => s.Milliseconds);
        var rest = headline.Stages.Skip(MostBars).Sum(s => s.Percent);
        Text(
            $"WHERE THE TIME GOES{(headline.Stages.Count > MostBars ? $" (the other {headline.Stages.Count - MostBars} stages: {Tenths(rest)} %)" : "")}", "", isHeading: true);
        var label = Math.Min(32, headline.Stages.Take(MostBars).Max(s => ScreenText.Cells(s.Label)));
        foreach (var stage in headline.Stages.Take(MostBars))
        {
            var figures = ScreenText.Right($"{Tenths(stage.Percent)} %", 7) + ScreenText.Right(Milliseconds(stage.Milliseconds), 9);
            var bar = Math.Clamp(_width - Margin.Length - label - 1 - figures.Length, 4, 50);
            _lines.Add(new ScreenLine(
                ScreenText.Cut($"{Margin}{ScreenText.Left(stage.Label, label)} {ScreenText.Bar(total > 0 ? stage.Milliseconds / total : 0, bar, unicode)}{figures}", _width)));
        }
    }

    private void Text(string text, string margin, int indent = 2, bool isHeading = false)
    {
        foreach (var line in ScreenText.Wrap(margin + ScreenText.Safe(text), _width, indent + margin.Length))
            _lines.Add(new ScreenLine(line, isHeading));
    }

    private static string Value(EffectResult effect, double value) => effect.Unit == "%" ? Numbers.Tenths(value) : Numbers.Short(value);

    private static string Tenths(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);

    /// <summary>A time in the unit that people would say.</summary>
    public static string Milliseconds(double ms) => !double.IsFinite(ms) ? "-" : ms < 1000 ? $"{Numbers.Short(ms)} ms" : $"{Numbers.Short(ms / 1000)} s";

    /// <summary>A ratio with about three digits.</summary>
    public static string Ratio(double ratio) => Numbers.Short(ratio);
}
