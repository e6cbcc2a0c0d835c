using EscNative.Bench.Reports;

namespace EscNative.Bench.Exports;

/// <summary>Another program's format for what was measured. docs/exports.md describes each.</summary>
internal interface IExportFormat
{
    /// <summary>What the user types: <c>csv</c>.</summary>
    string Name { get; }

    /// <summary>Whose it is, in a few words.</summary>
    string Description { get; }

    /// <summary>Whether it has room for times alone: a result without any cannot be written.</summary>
    bool TimesOnly { get; }

    /// <summary>The file's text.</summary>
    string Write(ResultDocument result);
}
