namespace EscNative.Bench.Reports;

/// <summary>A part of a report, made of text only: the console and the HTML file show the same sections.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Table">Its table, or null.</param>
/// <param name="Remarks">Sentences below the table.</param>
internal sealed record Section(string Title, TextTable? Table, IReadOnlyList<string> Remarks)
{
    /// <summary>A picture for the HTML file, or null.</summary>
    public BarChart? Chart { get; init; }

    /// <summary>Whether the console shows it with --details alone.</summary>
    public bool IsDetail { get; init; }
}

/// <summary>A table of texts.</summary>
/// <param name="Columns">The headings; one that starts with a space is aligned to the right.</param>
/// <param name="Rows">A text for every column.</param>
internal sealed record TextTable(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    /// <summary>Whether a column holds numbers.</summary>
    public bool IsNumeric(int column) => Columns[column].StartsWith(' ');
}

/// <summary>Bars with a label and a value each.</summary>
internal sealed record BarChart(string Title, string Unit, IReadOnlyList<(string Label, double Value)> Bars);
