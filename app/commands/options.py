"""Options that several commands share, and the values written into them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

if TYPE_CHECKING:
    from cohortsmith.app.config import DataPart

C = TypeVar("C", bound=Callable[..., Any])

Source = Annotated[
    str,
    typer.Argument(
        metavar="COHORT",
        help="A file (expression: .h5ad, .csv, .tsv, .parquet; sequences: .fasta, .gb; text also .gz; "
        "images: .npz), a folder (one FASTA, or one subfolder of PNG, per class), or a named set (`data list`).",
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
Labels = Annotated[Path | None, typer.Option("--labels", metavar="TSV", help="A tab-separated table of id and class.")]
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
    str | None,
    typer.Option(metavar="COLUMN", help="Column of the patient, who stays on one side of a split."),
]
Covariate = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="A numeric column that is not a gene; may be repeated.")
]
Layer = Annotated[
    str | None, typer.Option(metavar="NAME", help="AnnData: the layer to read in place of X, e.g. counts.")
]
Transpose = Annotated[bool, typer.Option("--transpose", help="CSV and TSV: genes are in rows, samples in columns.")]
ScaleName = Annotated[
    str | None, typer.Option("--scale", metavar="counts|linear|log", help="Scale of the values; default: detected.")
]
Impute = Annotated[bool, typer.Option(help="Fill missing values with the gene's median, and record how many.")]
Seed = Annotated[int, typer.Option(min=0, max=2**53, help="Seed of every random draw: same seed, same result.")]
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
        help="Differential privacy: the privacy budget epsilon (1 is strict, 10 is loose); default: none.",
    ),
]
DpDelta = Annotated[
    float | None,
    typer.Option(
        "--dp-delta",
        metavar="D",
        help="Differential privacy: delta; default: 0.1 divided by the number of patients.",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        metavar="M",
        min=0,
        help="Training takes at most so long: the pace is measured first, and as many steps taken as fit; images: 20, "
        "else no limit; 0 takes all steps.",
    ),
]
Blast = Annotated[
    bool, typer.Option("--blast", help="Sequences: measure identity with NCBI blastn too, where it is installed.")
]
ShowPatients = Annotated[
    bool,
    typer.Option(
        "--show-patients",
        help="Images: show single real patients and nearest neighbours; the page is then for internal use only.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace existing results at --out.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Jobs run in parallel.")]
Backend = Annotated[
    str,
    typer.Option(
        metavar="loky|dask|ray|sequential", help="What runs the jobs; default: processes on this machine (loky)."
    ),
]
Cluster = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers run the jobs, e.g. tcp://host:8786.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the resolved grid and its jobs, and stop.")]
GridFolder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder of the results; a grid that was begun there is resumed."),
]
RunsFolder = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder that holds the run folders.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
OutFolder = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder to write; it appears only when it is complete.")
]
OutFile = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="FILE",
        help="File to write (.h5ad, .csv, .tsv, .parquet; sequences: .fasta; text also .gz; images: .npz, a folder).",
    ),
]


@dataclass(frozen=True)
class CohortOptions:
    """How a cohort is read, as the options of a command say; `with_cohort_options` puts them in its command line.

    Attributes:
        label, label_pattern, labels, reference, alphabet, resize, subject, layer, transpose, scale, impute: as in
            `DataPart`.
        covariate: its `covariates`.
    """

    label: Label = None
    label_pattern: LabelPattern = None
    labels: Labels = None
    reference: ReferenceName = None
    alphabet: Alphabet = None
    resize: Resize = None
    subject: Subject = None
    covariate: Covariate = None
    layer: Layer = None
    transpose: Transpose = False
    scale: ScaleName = None
    impute: Impute = False

    @property
    def given(self) -> list[str]:
        """Names of the options that were given."""
        return [f"--{name.replace('_', '-')}" for name, value in asdict(self).items() if value]

    def part(self, cohort: str | Path, **more: Any) -> DataPart:
        """Which patients, read as these options say; `more` are further fields of `DataPart`.

        Raises:
            DataError: a value that is not one of the choices.
        """
        from cohortsmith.app.config import DataPart, checked

        values = asdict(self) | {"labels": None if self.labels is None else str(self.labels)}
        return checked(DataPart, cohort=str(cohort), covariates=values.pop("covariate"), **values, **more)


DEFAULTS = CohortOptions()


def with_cohort_options(command: C) -> C:
    """Give a command one option for each field of `CohortOptions`, in place of its argument of that type.

    Typer makes an option of each argument of a function. So that the ten are written once, the command has one argument
    for all of them.
    """
    hints = get_type_hints(command, include_extras=True)
    (name,) = (name for name, hint in hints.items() if hint is CohortOptions)
    options = get_type_hints(CohortOptions, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name == name:
            parameters += [
                inspect.Parameter(option, parameter.KEYWORD_ONLY, default=getattr(DEFAULTS, option), annotation=hint)
                for option, hint in options.items()
            ]
        else:
            parameters.append(parameter.replace(kind=parameter.KEYWORD_ONLY, annotation=hints[parameter.name]))

    @wraps(command)
    def called(**arguments: Any) -> Any:
        read = CohortOptions(**{option: arguments.pop(option) for option in options})
        return command(**arguments, **{name: read})

    whole: Any = called
    whole.__signature__ = inspect.Signature(parameters)
    whole.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    same: C = whole
    return same
