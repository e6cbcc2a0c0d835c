#!/usr/bin/env python3
"""The results of `escnative peers` in a folder as one table in Markdown, at most 80 columns wide."""
import json
import pathlib
import sys

HEADINGS = ("network", "call", "ms", "peer", "its best", "ratio", "noise %")


# The order of networks.sh.
NAMES = ("resnet18-cifar", "resnet18-32", "resnet18-224", "resnet50", "vit-ti16", "vit-b16", "resnet18-training")


def number(value):
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def network(model):
    """What differs between the rows: resnet18 cifar 32."""
    told = dict(part.strip().split(" ", 1) for part in (model.get("hyperparameters") or "").split(",") if " " in part.strip())
    size = told.get("size", "")
    # At 224 pixels a ResNet has the stem for such images.
    stem = "" if (told.get("stem"), size) == ("imagenet", "224") else told.get("stem", "")
    return " ".join(part for part in (model["architecture"], stem, size) if part)


def short(engine):
    """ONNX Runtime 1.31.1: ORT 1.31."""
    name, _, version = engine.rpartition(" ")
    return f"{name.replace('ONNX Runtime', 'ORT')} {'.'.join(version.split('.')[:2])}".strip()


def rows(folder):
    order = {name: i for i, name in enumerate(NAMES)}
    for path in sorted(folder.glob("*.json"), key=lambda path: (order.get(path.stem, len(order)), path.stem)):
        result = json.loads(path.read_text())
        for workload in result["peers"]["workloads"]:
            own = workload["sides"][0]
            first = (network(result["model"]), workload["name"], number(own["milliseconds"]))
            bars = [side for side in workload["sides"] if side["best"] and side["engine"] != own["engine"]]
            for side in bars or [None]:
                if side is None:
                    theirs = ("-", "-", "-")
                else:
                    theirs = (short(side["engine"]), side["variant"], f"{side['ratio']:.2f}")
                yield (*first, *theirs, f"{100 * workload['spread']:.1f}")
                first = ("", "", "")


def table(cells):
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADINGS))]
    for i, row in enumerate(cells):
        yield "|" + "|".join(cell.ljust(width) for cell, width in zip(row, widths)) + "|"
        if i == 0:
            yield "|" + "|".join("-" * width for width in widths) + "|"


def main():
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).is_dir():
        sys.exit("table.py: wants the folder with the JSON files of `escnative peers`")
    found = list(rows(pathlib.Path(sys.argv[1])))
    if not found:
        sys.exit(f"table.py: {sys.argv[1]} holds no result of `escnative peers` (*.json)")
    print("\n".join(table([HEADINGS, *found])))


main()
