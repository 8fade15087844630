"""Image classifiers on the files in COHORTSMITH_DATA: the founding study of 2025, and synthetic augmentation.

`study` reproduces the study's table: its supervised recipe and a strong plain network, four pretexts with the backbone
frozen (BF) or not (BNF), and three fusions; with all labels and with a quarter. `augmentation` adds synthetic images of
`diffusion` or `mvn`, fitted to the labelled images only: BloodMNIST with a quarter of the labels, DermaMNIST with all.
Selection is on the file's val images, results are on its test images.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness, kept_rows
from cohortsmith.app.config.experiment import TrainingPart
from cohortsmith.app.config.grid import Grid, GridData, VirtualPart
from cohortsmith.app.founding.figures import IMAGES_2025
from cohortsmith.app.founding.grids import images_grid
from cohortsmith.evaluation.study.paired_gains import best_on_validation, gains, gains_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

FILES = {"blood": "images/bloodmnist_28.npz", "derma": "images/dermamnist_28.npz"}
LABELS = {"blood": "quarter", "derma": "full"}
STRONG, FOUNDING = "small-cnn", "supervised"
# Balanced sampling is the obvious alternative to synthetic images on DermaMNIST, which is mostly naevi.
CLASSIFIERS: dict[str, dict[str, Any]] = {STRONG: {"preset": STRONG}, "balanced": {"preset": STRONG, "balanced": True}}
AUGMENTED = {"blood": [STRONG], "derma": list(CLASSIFIERS)}
RATIOS: list[Any] = [0, 0.5, 1, 2, "balance"]
METRIC: Final = "mean_class_accuracy"
PARTS = ("augmentation", "study")


def run() -> None:
    """Run missing grids, print and write their tables."""
    parser = harness.parser(__doc__, "image_classifiers")
    parser.set_defaults(out=harness.ROOT / "runs" / "benchmarks" / "image-classifiers")
    parser.add_argument("--data", default=",".join(FILES))
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--labelled", default="full,quarter", help="of the study")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--jobs", type=int, default=1)
    args = harness.arguments(parser)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    for part in args.parts.split(","):
        for name in args.data.split(","):
            # Different numbers of labels share a folder, and thereby the pretrained networks.
            for labelled in args.labelled.split(",") if part == "study" else [LABELS[name]]:
                block = f"image classifiers {part} {name} {labelled}"
                grid = grid_of(part, name, labelled, seeds)
                rows = kept_rows.measured(block, grid, args.out / f"{part}-{name}", args.jobs, write=args.write)
                text = augmentation(rows) if part == "augmentation" else study(rows)
                kept_rows.publish(block, text, rows, write=args.write)


def grid_of(part: str, name: str, labelled: str, seeds: Sequence[int]) -> Grid:
    """Grid of one part on one file."""
    source = str(harness.data_file(FILES[name]))
    if part == "study":
        grid = images_grid([source], preset="cpu", labelled=[labelled], training=TrainingPart())
        return replace(grid, seeds=list(seeds))
    return Grid(
        data={name: GridData(source)},
        classifiers={classifier: CLASSIFIERS[classifier] for classifier in AUGMENTED[name]},
        name=part,
        seeds=list(seeds),
        labelled=[labelled],
        metric=METRIC,
        virtual=VirtualPart(families=["diffusion", "mvn"], ratios=RATIOS),
    )


def augmentation(rows: pd.DataFrame) -> str:
    """Gain of every ratio over real images only, with the one selected by validation marked."""
    chosen = best_on_validation(rows, metric=METRIC)
    picked = set(zip(chosen.data, chosen.classifier, chosen.family, chosen.ratio, strict=True))
    over = _by(("data", "classifier", "family", "ratio"), gains_over(rows, metric=METRIC))
    said = ("real only", "with synthetic", "gain", "", "over the strongest", "chosen")
    head = ["", "classifier", "family", "ratio", *said]
    lines = []
    for row in gains(rows, METRIC).to_dict("records"):
        key = (row["data"], row["classifier"], row["family"], row["ratio"])
        values = [f"{100 * row[name]:.1f}" for name in ("reference_value", "value")]
        mark = "by validation" if key in picked else ""
        lines.append(
            [*map(str, key), *values, harness.points(row), str(row["verdict"]), harness.points(over[key]), mark]
        )
    return harness.table(head, lines)


def study(rows: pd.DataFrame) -> str:
    """Accuracy and mean class accuracy with those of the thesis, and gains over both supervised references."""
    published = {(row["data"], row["labelled"], row["classifier"]): row for row in IMAGES_2025}
    names = ("data", "labelled", "classifier")
    over = [_by(names, gains_over(rows, reference)) for reference in (FOUNDING, STRONG)]
    test = rows[(rows.part == "test") & (rows.label == "")]
    said = ("seeds", "accuracy", "mean class accuracy", "thesis", f"over {FOUNDING}", f"over {STRONG}")
    head = ["", "labelled", "classifier", *said]
    lines = []
    for key, own in _groups(names, test):
        figures = [harness.spread([100 * v for v in own[name]], 1) for name in ("accuracy", METRIC)]
        theirs = published.get(key)
        thesis = f"{100 * theirs['accuracy']:.1f} / {100 * theirs[METRIC]:.1f}" if theirs else ""
        gained = [harness.points(table[key]) if key in table else "" for table in over]
        lines.append([*map(str, key), str(len(own)), *figures, thesis, *gained])
    return harness.table(head, lines)


def _groups(names: Sequence[str], table: pd.DataFrame) -> list[tuple[tuple[Any, ...], pd.DataFrame]]:
    return [(tuple(key), own) for key, own in table.groupby(list(names), sort=False)]


def _by(names: Sequence[str], table: pd.DataFrame) -> dict[tuple[Any, ...], Any]:
    return {tuple(row[name] for name in names): row for row in table.to_dict("records")}


if __name__ == "__main__":
    harness.main(run)
