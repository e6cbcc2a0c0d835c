using System.Globalization;
using EscNative.Engine.Formats;

namespace EscNative.Models.Data;

/// <summary>Makes data sets of listed photos: resized bytes in memory where they fit, else photos that are decoded in every pass.</summary>
/// <remarks>Either way every photo is decoded once here, so that a bad one is known before anything long begins.</remarks>
internal sealed class PhotoSets
{
    // Bytes of photos that are decoded before they are looked at.
    private const int Block = 32 << 20;

    private readonly PhotoList _list;
    private readonly PhotoOptions _options;
    private readonly PhotoReader _reader;
    private readonly bool _kept;
    private readonly long _budget;
    private readonly long _size;
    private readonly List<(string Path, string Rule)> _skipped = [];
    private int _done;
    private int _grey;

    private PhotoSets(PhotoList list, PhotoOptions options)
    {
        _list = list;
        _options = options;
        _reader = new PhotoReader(options);
        _size = (list.Train.Count + (long)list.Test!.Count) * _reader.ImageSize;
        _budget = options.MemoryBudget ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;
        _kept = _size <= _budget;
    }

    /// <summary>Reads the photos of a list.</summary>
    /// <param name="list">The photos.</param>
    /// <param name="options">How.</param>
    /// <param name="classes">How many classes, the first ones; 0 takes all.</param>
    /// <exception cref="DataFormatException">A photo cannot be read, and is not to be skipped; or none can.</exception>
    /// <exception cref="UsageException">More classes than there are.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static DataSet Open(PhotoList list, PhotoOptions options, int classes)
    {
        options.Validate();
        return new PhotoSets(list.First(classes).Parted(options.TestShare, options.SplitSeed), options).Build();
    }

    private DataSet Build()
    {
        string[] names = [.. _list.Classes];
        var train = Read("train", _list.Train);
        var test = Read("test", _list.Test!);
        string[]? subjects = train.Photos.Exists(photo => photo.Subject is not null) ? [.. train.Photos.Select(photo => photo.Subject ?? "")] : null;
        return new DataSet(
            _list.Name, Set("train", train, [.. Notes()]), Set("test", test, []), _options.Channels == 3 ? Normalisation.ImageNet : Normalisation.Half)
        {
            Subjects = subjects,
            ArePhotos = true,
            Transform = _options.Transform,
        };

        ImageSet Set(string part, Part read, string[] notes) => new(
            $"{_list.Name} {part}", read.Store, [.. read.Photos.Select(photo => photo.Label)], null, _options.Height, _options.Width, _options.Channels, names, notes, read.Hash);
    }

    private IEnumerable<string> Notes()
    {
        yield return $"{_list.Name}: {_options.Transform.Describe(_options.Height, _options.Width)} ({_options.Transform.Name})";
        foreach (var note in _list.Notes)
            yield return note;
        if (_skipped is [var (path, rule), ..])
            yield return $"{_list.Name}: {_skipped.Count} photo{(_skipped.Count == 1 ? "" : "s")} that cannot be read {(_skipped.Count == 1 ? "was" : "were")} skipped (for example {Path.GetFileName(path)}: {rule})";
        if (_grey > 0)
            yield return PhotoReader.Grey(_list.Name, _grey);
        if (!_kept)
            yield return string.Create(CultureInfo.InvariantCulture, $"{_list.Name}: the resized photos take {_size / 1e6:0.#} MB, more than the {_budget / 1e6:0.#} MB that may be kept: they are decoded again in every pass");
    }

    private Part Read(string part, IReadOnlyList<PhotoFile> files)
    {
        if (files.Count == 0)
            throw new DataFormatException(_list.Source, null, $"has no photos to {part} with");
        var rows = new List<byte[]>(_kept ? files.Count : 0);
        var good = new List<PhotoFile>(files.Count);
        using var hash = new ContentHasher(files.Count, _options.Height, _options.Width, _options.Channels);
        var buffer = new byte[Math.Min(Math.Clamp(Block / _reader.ImageSize, 1, 512), files.Count)][];
        var problems = new DataFormatException?[buffer.Length];
        for (var start = 0; start < files.Count; start += buffer.Length)
        {
            _options.Cancel.ThrowIfCancellationRequested();
            var (first, count) = (start, Math.Min(buffer.Length, files.Count - start));
            ParallelReads.Run(count, i => problems[i] = Decode(files[first + i].Path, buffer[i] ??= new byte[_reader.ImageSize]));
            for (var i = 0; i < count; i++)
            {
                if (problems[i] is { } problem)
                {
                    _skipped.Add((problem.File, problem.Rule));
                    continue;
                }

                good.Add(files[first + i]);
                hash.Add(files[first + i].Label, buffer[i]);
                if (!_kept)
                    continue;
                rows.Add(buffer[i]);
                buffer[i] = null!;
            }

            _done += count;
            _options.Progress?.Report((double)_done / (_list.Train.Count + _list.Test!.Count));
        }

        if (good.Count == 0)
            throw new DataFormatException(_list.Source, null, $"has no photo to {part} with that can be read (for example {_skipped[^1].Path}: {_skipped[^1].Rule})");
        string[] paths = [.. good.Select(photo => photo.Path)];
        // Where photos were skipped the count, with which the hash began, was another one.
        return new Part(
            _kept ? new KeptPhotos([.. rows], paths, _reader) : new StreamedPhotos(paths, _reader), good, good.Count == files.Count ? hash.Finish() : null);
    }

    private DataFormatException? Decode(string path, byte[] row)
    {
        _options.Cancel.ThrowIfCancellationRequested();
        try
        {
            if (_reader.Read(path, row))
                Interlocked.Increment(ref _grey);
            return null;
        }
        catch (DataFormatException bad)
        {
            if (_options.OnBadImage == BadImagePolicy.Skip)
                return bad;
            throw new DataFormatException(bad.File, bad.Offset, $"{bad.Rule}. Repair or remove the file, or have such photos skipped and counted (--on-bad-image skip)", bad);
        }
    }

    private sealed record Part(PixelStore Store, List<PhotoFile> Photos, string? Hash);
}
