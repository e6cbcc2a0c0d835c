namespace EscNative.Engine.Plans;

/// <summary>Where every value of a plan stands in one block of memory: values that never live at once share a place.</summary>
internal sealed class ArenaLayout
{
    // Cache lines; and vectors are then aligned.
    private const long Alignment = 16;

    private readonly Dictionary<PlanValue, Place> _places = [];

    private ArenaLayout()
    {
    }

    /// <summary>Floats of the block.</summary>
    public long Floats { get; private set; }

    /// <summary>Lays out the values of some images at a time.</summary>
    public static ArenaLayout Of(PlanGraph graph, int images)
    {
        var layout = new ArenaLayout();
        layout.FindLifetimes(graph, images);
        layout.Arrange();
        return layout;
    }

    /// <summary>The offset of a value, in floats.</summary>
    public long this[PlanValue value] => _places[value].Offset;

    private void FindLifetimes(PlanGraph graph, int images)
    {
        var end = graph.Nodes.Count;
        var last = new Dictionary<PlanValue, int>();
        for (var i = 0; i < end; i++)
        {
            foreach (var input in graph.Nodes[i].Inputs)
                last[input] = i;
        }

        foreach (var output in graph.Outputs)
            last[output] = end;

        _places[graph.Input] = new Place(Size(graph.Input, images), -1, last.GetValueOrDefault(graph.Input, -1));
        for (var i = 0; i < end; i++)
        {
            var node = graph.Nodes[i];
            var dying = node.Inputs.FirstOrDefault(v => last[v] == i && v.Floats == node.Output.Floats && v.Halo == node.Output.Halo && node.MayOverwrite(v));
            if (dying is null)
            {
                _places[node.Output] = new Place(Size(node.Output, images), i, last[node.Output]);
            }
            else
            {
                _places[node.Output] = _places[dying];
                _places[dying].Last = last[node.Output];
            }
        }
    }

    // The largest first, each at the lowest offset where nothing lies that lives at the same time.
    private void Arrange()
    {
        var placed = new List<Place>();
        foreach (var place in _places.Values.Distinct().OrderByDescending(p => p.Size).ThenBy(p => p.First))
        {
            place.Offset = 0;
            foreach (var other in placed.Where(p => p.First <= place.Last && place.First <= p.Last).OrderBy(p => p.Offset))
            {
                if (place.Offset + place.Size <= other.Offset)
                    break;
                place.Offset = Math.Max(place.Offset, other.Offset + other.Size);
            }

            placed.Add(place);
            Floats = Math.Max(Floats, place.Offset + place.Size);
        }
    }

    private static long Size(PlanValue value, int images) => ((value.Floats * images) + Alignment - 1) / Alignment * Alignment;

    private sealed class Place(long size, int first, int last)
    {
        public long Size { get; } = size;

        // The nodes between whose runs it holds a value that is wanted.
        public int First { get; } = first;

        public int Last { get; set; } = last;

        public long Offset { get; set; }
    }
}
