"""The founding study on transcriptomes, and the value of unlabelled patients, on the files in COHORTSMITH_DATA.

Three parts, each a grid of `cohortsmith utility`: the learning curve (accuracy by number of labelled patients), all
learning methods with 100 labels and the rest of train unlabelled, and virtual patients in addition to 50 labelled ones.
Splits are by `patient` where the file has it; selection is on validation patients, results are on test patients, and
gains are paired over seeds.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness, kept_rows
from cohortsmith.app.config.grid import Grid, GridData, VirtualPart
from cohortsmith.app.founding.grids import transcriptome_classifiers
from cohortsmith.data import DataError
from cohortsmith.evaluation.study.paired_gains import best_on_validation, gains, gains_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

FILES: dict[str, dict[str, Any]] = {
    "tcga-12class": {"cohort": "expression/tcga_12class_50genes.csv.gz"},
    "tumour-normal": {"cohort": "expression/tcga_tumour_normal_3341genes.h5ad", "subject": "patient"},
    "mirna": {"cohort": "expression/tcga_mirna_34class_680.h5ad", "subject": "patient"},
}
REFERENCE, STRONG, MIXED = "supervised", "small-mlp", "mixed"
_SMALL: dict[str, Any] = {"preset": STRONG}
REFERENCES = {REFERENCE: {"preset": "tcga-2021"}, STRONG: _SMALL}
OURS: dict[str, dict[str, Any]] = {
    **{f"{name}-small": {**_SMALL, "pretext": name} for name in ("vime", "scarf", "subtab")},
    MIXED: {"preset": "small-mlp-mixed"},
    "vime-mixed": {"preset": "small-mlp-mixed", "pretext": "vime"},
}
FOUNDING = ("masked-0-frozen", "masked-3-frozen", "masked-lambda-1", "contrastive", "vime", "scarf", "subtab")
FAMILIES = ("diffusion", "mvn")
RATIOS: list[Any] = [0, 0.5, 1, 2, 5]
LABELS = {"curve": [50, 100, 200, 500, 1000], "100 labels": [100], "50 labels and virtual patients": [50]}


def run() -> None:
    """Run missing grids, print and write their tables."""
    parser = harness.parser(__doc__, "transcriptomes")
    parser.set_defaults(out=harness.ROOT / "runs" / "benchmarks" / "transcriptomes")
    parser.add_argument("--data", default=",".join(FILES))
    parser.add_argument("--parts", default=",".join(LABELS), help=f"of {', '.join(LABELS)}")
    parser.add_argument("--classifiers", default="", help="only these in part '100 labels', with a separate --out")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--jobs", type=int, default=1)
    args = harness.arguments(parser)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    for part in args.parts.split(","):
        for name in args.data.split(","):
            block = f"transcriptomes {part} {name}"
            folder = args.out / f"{part}-{name}".replace(" ", "-")
            grid = grid_of(part, name, seeds, args.classifiers)
            rows = kept_rows.measured(block, grid, folder, args.jobs, write=args.write)
            text = {"curve": curve, "100 labels": few_labels}.get(part, virtual)(rows)
            kept_rows.publish(block, text, rows, write=args.write)


def grid_of(part: str, name: str, seeds: Sequence[int], only: str) -> Grid:
    """Grid of one part on one file."""
    data = GridData(**{**FILES[name], "cohort": str(harness.data_file(FILES[name]["cohort"])), "label": "label"})
    labels = [n for n in LABELS[part] if n < 1000 or name != "tumour-normal"]
    classifiers = REFERENCES | {MIXED: OURS[MIXED]}
    if part == "100 labels":
        founding = transcriptome_classifiers("tcga-2021")
        ways = REFERENCES | {way: founding[way] for way in FOUNDING} | OURS
        asked = [way for way in only.split(",") if way]
        if unknown := [way for way in asked if way not in ways]:
            raise DataError(f"--classifiers: unknown {unknown[0]!r}; known: {', '.join(ways)}")
        classifiers = {way: ways[way] for way in asked} or ways
    grid = Grid(data={name: data}, classifiers=classifiers, name=part, seeds=list(seeds), labelled=list(labels))
    if part == "50 labels and virtual patients":
        both: list[Any] = ["labelled", "pseudo-labelled"]
        grid = replace(grid, virtual=VirtualPart(list(FAMILIES), both, RATIOS, ["labelled"]))
    return grid


def curve(rows: pd.DataFrame) -> str:
    """Accuracy by number of labelled patients, and the gain from using unlabelled ones."""
    compared = (REFERENCE, STRONG, MIXED)
    over = gains_over(rows, REFERENCE), gains_over(rows, STRONG)
    head = ["", "labelled", *compared, f"{MIXED} over {REFERENCE}", f"over {STRONG}"]
    lines = []
    for (data, labelled), own in sorted(_overall(rows).groupby(["data", "labelled"]), key=_by_size):
        accuracy = [_spread(own[own.classifier == name]) for name in compared]
        gained = [_gain(table, data, labelled, MIXED) for table in over]
        lines.append([str(data), str(labelled), *accuracy, *gained])
    return harness.table(head, lines)


def few_labels(rows: pd.DataFrame) -> str:
    """All learning methods with the same labelled patients."""
    over = gains_over(rows, REFERENCE), gains_over(rows)
    shown = {"mean_class_accuracy": "mean class accuracy", "macro_f1": "macro-F1", "auc": "AUC", "brier": "Brier"}
    head = ["", "classifier", "accuracy", *shown.values(), f"over {REFERENCE}", "over the strongest supervised"]
    lines = []
    for (data, labelled, name), own in _overall(rows).groupby(["data", "labelled", "classifier"], sort=False):
        figures = [
            harness.spread(own[column].tolist()) for column in ("mean_class_accuracy", "macro_f1", "auc", "brier")
        ]
        gained = [_gain(table, data, labelled, name) for table in over]
        lines.append([str(data), str(name), _spread(own), *figures, *gained])
    return harness.table(head, lines)


def virtual(rows: pd.DataFrame) -> str:
    """Virtual patients in addition to labelled ones: ratio selected by validation, and its gain on test patients."""
    chosen = best_on_validation(rows)
    head = ["", "classifier", "family", "learned from", "ratio", "real only", "with virtual", "gain", ""]
    lines = []
    for row in gains(chosen).to_dict("records"):
        real, both = (f"{100 * row[which]:.1f}" for which in ("reference_value", "value"))
        where = [str(row[name]) for name in ("data", "classifier", "family", "learn_from", "ratio")]
        lines.append([*where, real, both, harness.points(row), str(row["verdict"])])
    return harness.table(head, lines)


def _by_size(group: tuple[Any, pd.DataFrame]) -> tuple[str, int]:
    return str(group[0][0]), int(group[0][1])


def _overall(rows: pd.DataFrame) -> pd.DataFrame:
    """Test rows over all classes, with real patients only."""
    return rows[(rows.part == "test") & (rows.label == "") & (rows.family == "")]


def _spread(rows: pd.DataFrame) -> str:
    return harness.spread([100 * value for value in rows.accuracy], 1)


def _gain(table: pd.DataFrame, data: object, labelled: object, classifier: object) -> str:
    own = table[(table.data == data) & (table.labelled == labelled) & (table.classifier == classifier)]
    if own.empty:
        return ""
    row = own.iloc[0]
    return f"{harness.points(row)}, {row.verdict}"


if __name__ == "__main__":
    harness.main(run)
