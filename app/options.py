"""Options that several commands share, and the values written into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Source = Annotated[
    str,
    typer.Argument(
        metavar="COHORT",
        help="A file (expression: .h5ad, .csv, .tsv, .parquet; sequences: .fasta, .gb; text also .gz; "
        "images: .npz), a folder (a FASTA, or a folder of PNG, a class), or a named set (`data list`).",
    ),
]
Label = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column of the class (key in the header of sequences); default `label`."),
]
LabelPattern = Annotated[
    str | None,
    typer.Option(
        "--label-pattern", metavar="REGEX", help="Sequences: the class is what its one group matches in the header."
    ),
]
Labels = Annotated[
    Path | None, typer.Option("--labels", metavar="TSV", help="Sequences: a table of id and class, a tab between.")
]
ReferenceName = Annotated[
    str | None,
    typer.Option(
        "--reference", metavar="NAME|FILE", help="Sequences are aligned to it: NM_000546.6, or a FASTA or GenBank file."
    ),
]
Alphabet = Annotated[
    str | None, typer.Option(metavar="dna|rna", help="Sequences: letters they must be written in; default: either.")
]
Resize = Annotated[
    int | None, typer.Option(metavar="28", help="Images of another size: cut square and resized to 28 x 28 pixels.")
]
Subject = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column of the patient, kept on one side of a split.")
]
Covariate = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="A numeric column that is no gene; may be repeated.")
]
ScaleName = Annotated[
    str | None, typer.Option("--scale", metavar="counts|linear|log", help="Scale of the values; default: detected.")
]
Impute = Annotated[bool, typer.Option(help="Fill missing values with the gene's median, and record how many.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of every random draw: same seed, same result.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to train.")]
Precision = Annotated[str, typer.Option(metavar="auto|32-true|bf16-mixed", help="Arithmetic; auto: bf16 on cuda.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the family, e.g. steps=2000; may be repeated."),
]
DpEpsilon = Annotated[
    float | None,
    typer.Option(
        "--dp-epsilon",
        metavar="E",
        help="Differential privacy: most that the model may tell of one patient (1 little, 10 much); default: none.",
    ),
]
DpDelta = Annotated[
    float | None,
    typer.Option(
        "--dp-delta",
        metavar="D",
        help="Its small probability of telling more; default: a tenth of 1 over the patients.",
    ),
]
Blast = Annotated[
    bool, typer.Option("--blast", help="Sequences: measure identity with NCBI blastn too, where it is installed.")
]
ShowPatients = Annotated[
    bool,
    typer.Option(
        "--show-patients",
        help="Images: show single real patients and nearest neighbours; the page must then stay in the house.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace results that stand at --out already.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Jobs done at a time.")]
Backend = Annotated[
    str,
    typer.Option(metavar="loky|dask|ray|sequential", help="Who does them; default: processes of this machine (loky)."),
]
Cluster = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers do the jobs, e.g. tcp://host:8786.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the resolved grid and its jobs, and stop.")]
GridFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder of the results; of the same grid: go on there.")
]
RunsFolder = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder that holds the run folders.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write; it appears when it is whole.")]
OutFile = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="FILE",
        help="File to write (.h5ad, .csv, .tsv, .parquet; sequences: .fasta; text also .gz; images: .npz, a folder).",
    ),
]


def text_of(path: Path | None) -> str | None:
    """A path as a configuration holds it: as text, None where there is none."""
    return None if path is None else str(path)


def parse_settings(pairs: Sequence[str] | None) -> dict[str, Any]:
    """Settings from `key=value` words; values are read as JSON where they can be, else as text.

    Raises:
        DataError: a word without `=`, or a key given twice.
    """
    from data import DataError

    settings: dict[str, Any] = {}
    for pair in pairs or ():
        key, found, value = pair.partition("=")
        family, dot, key = key.strip().rpartition(".")  # `compare` takes family.key, and families have dashes
        key = f"{family}{dot}{key.replace('-', '_')}"
        if not found or not key or key.endswith("."):
            raise DataError(f"--set needs KEY=VALUE, as in --set steps=2000; got {pair!r}")
        if key in settings:
            raise DataError(f"--set {key} is given twice")
        settings[key] = _value(value.strip())
    return settings


def with_privacy(settings: dict[str, Any], epsilon: float | None, delta: float | None) -> dict[str, Any]:
    """Settings with the options of differential privacy, where they are given, among them.

    Raises:
        DataError: one is given as a setting too.
    """
    from data import DataError

    given = {name: value for name, value in (("dp_epsilon", epsilon), ("dp_delta", delta)) if value is not None}
    for name in given:
        if name in settings:
            raise DataError(f"--{name.replace('_', '-')} and --set {name} are both given; drop one")
    return settings | given


def parse_counts(text: str) -> dict[str, int]:
    """Samples per class from `A=10,B=5`; a class name may itself hold commas or equal signs.

    Raises:
        DataError: a part without a number, a negative number, a class named twice, or nothing asked at all.
    """
    from data import DataError

    counts: dict[str, int] = {}
    name = ""
    for part in text.split(","):
        name = f"{name},{part}" if name else part
        label, found, number = name.rpartition("=")
        if not found or not number.strip().lstrip("+-").isdigit():
            continue
        label = label.strip()
        if label in counts:
            raise DataError(f"--counts names class {label!r} twice")
        counts[label] = int(number)
        if counts[label] < 0:
            raise DataError(f"--counts must not be negative; got {number.strip()} for class {label!r}")
        name = ""
    if name or not counts:
        raise DataError(f"--counts needs CLASS=NUMBER parts with commas between, as in A=10,B=5; got {text!r}")
    if not any(counts.values()):
        raise DataError("--counts asks for no sample at all")
    return counts


def balancing_counts(train: Mapping[str, int]) -> dict[str, int]:
    """Samples per class that, added to the training patients, make every class as large as the largest.

    Raises:
        DataError: the classes are even already.
    """
    from data import DataError

    largest = max(train.values())
    counts = {name: largest - count for name, count in train.items() if count < largest}
    if not counts:
        raise DataError(f"every class has {largest} training samples already: nothing to add, ask with --per-class")
    return counts


def _value(text: str) -> Any:
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    try:
        return json.loads(text)
    except ValueError:
        return text
