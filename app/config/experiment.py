"""`Experiment`: the whole configuration of a run, one dataclass per part, read from one TOML file."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field

from cohortsmith.data import DataError, validation

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
LARGEST = 2**53  # whole number that every reader of JSON and TOML keeps
Seed = Annotated[int, Field(ge=0, le=LARGEST)]
Count = Annotated[int, Field(ge=1, le=LARGEST)]


@dataclass(frozen=True)
class DataPart:
    """Which patients, and how they are split.

    Attributes:
        cohort: file, from the folder the command runs in, or a named set.
        label: column of the class; of sequences, the key in their headers.
        label_pattern: of sequences, a regular expression whose one group matches the class in the header.
        labels: a TSV file of id and class, for data without labels of their own.
        reference: of sequences, what they are aligned to: a name, or a FASTA or GenBank file.
        alphabet: of sequences, the letters they must be written in; either when not given.
        resize: of images, 28 to have those of another size resized.
        subject: column of the patient.
        covariates: numeric columns that are no genes.
        layer: of AnnData, the layer that is read in place of X.
        transpose: of text tables, genes are in rows.
        scale: scale of the values; detected when not given.
        impute: fill missing values with the gene's median.
        holdout: share of the samples that the generator never sees; images whose file says which are test keep to that.
    """

    cohort: str
    label: str | None = None
    label_pattern: str | None = None
    labels: str | None = None
    reference: str | None = None
    alphabet: Literal["dna", "rna"] | None = None
    resize: int | None = None
    subject: str | None = None
    covariates: list[str] = field(default_factory=list)
    layer: str | None = None
    transpose: bool = False
    scale: Literal["counts", "linear", "log"] | None = None
    impute: bool = False
    holdout: float = 0.3


@dataclass(frozen=True)
class GeneratorPart:
    """Which family, with what settings of its own (an unknown one is refused by the family)."""

    family: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingPart:
    """Where it is trained: device, processes, arithmetic, and how often a checkpoint is written."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Count = 1
    num_nodes: Count = 1
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    checkpoint_every: Count = 500


@dataclass(frozen=True)
class SamplePart:
    """How many virtual patients: one of these, or as many of each class as were trained on.

    Attributes:
        n: in all, in the proportions of train.
        per_class: of each class.
        counts: of each class named.
        balance: as many as make every class, with the real patients, as large as the largest.
    """

    n: Count | None = None
    per_class: Count | None = None
    counts: dict[str, Annotated[int, Field(ge=0, le=LARGEST)]] = field(default_factory=dict)
    balance: bool = False


@dataclass(frozen=True)
class EvaluationPart:
    """Which metrics: the names, or all of them when there is none."""

    only: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AuditPart:
    """How the run is audited: in so many folds, or on its own holdout where there are none (0)."""

    folds: Annotated[int, Field(ge=0, le=1000)] = 0


@dataclass(frozen=True)
class ReleasePart:
    """What the cards of a release state, where it is known: nothing is computed from it.

    Attributes:
        intended_use: what the virtual patients are meant for.
        licence: terms they are shared under.
        contact: whom to ask.
        auditor: who answers for the audit.
    """

    intended_use: str | None = None
    licence: str | None = None
    contact: str | None = None
    auditor: str | None = None


@dataclass(frozen=True)
class Experiment:
    """A run from patients to scorecard.

    Attributes:
        name: part of the run folder's name.
        seed: seed of the split, the training, the sampling and the metrics.
    """

    data: DataPart
    generator: GeneratorPart
    name: str
    seed: Seed = 0
    training: TrainingPart = field(default_factory=TrainingPart)
    sample: SamplePart = field(default_factory=SamplePart)
    evaluation: EvaluationPart = field(default_factory=EvaluationPart)
    release: ReleasePart = field(default_factory=ReleasePart)
    audit: AuditPart = field(default_factory=AuditPart)

    def resolved(self) -> dict[str, Any]:
        """Every value, the defaults included, as plain JSON; `release` and `audit` only where something is stated."""
        whole = asdict(self)
        if self.release == ReleasePart():
            del whole["release"]
        if self.audit == AuditPart():
            del whole["audit"]
        return whole

    def digest(self) -> str:
        """Eight hex digits that change when any value changes."""
        return hashlib.sha256(json.dumps(self.resolved(), sort_keys=True).encode()).hexdigest()[:8]


def read_experiment(path: Path) -> Experiment:
    """Read an experiment from TOML; its name is the file's unless the file says otherwise.

    Raises:
        DataError: no such file, no TOML, an unknown key (with its near misses), a missing or a wrong value.
    """
    return read_toml(Experiment, path, "experiment")


def read_toml(cls: type[T], path: Path, what: str) -> T:
    """Read a configuration that has a `name`: the file's unless it says otherwise; errors as `read_experiment`."""
    whole: Any = validation.read_toml(cls, path, what)
    require_name(whole.name, f"{path}: name")
    named: T = whole
    return named


def toml_of(experiment: Experiment) -> str:
    """The TOML file that `read_experiment` reads as this experiment."""
    lines, tables = [], []
    for key, value in experiment.resolved().items():
        if isinstance(value, dict):
            rows = [f"{name} = {_toml(item)}" for name, item in value.items() if item is not None]
            tables.append("\n".join(["", f"[{key}]", *rows]))
        else:
            lines.append(f"{key} = {_toml(value)}")
    return "\n".join([*lines, *tables]) + "\n"


def require_name(name: str, where: str) -> None:
    """Refuse a name that could not be part of a file's name.

    Raises:
        DataError: other characters than letters, digits, `.`, `_`, `-`.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise DataError(f"{where}: letters, digits, '.', '_' and '-' were expected; got {name!r}")


def checked(part: type[T], **values: Any) -> T:
    """Part of an experiment made of the options of a command; those that are None are left to their defaults.

    Raises:
        DataError: a value of the wrong type, or that is not one of the choices.
    """
    given = {key: value for key, value in values.items() if value is not None}
    return validation.from_toml(part, given, section=part.__name__.removesuffix("Part").lower())


def _toml(value: Any) -> str:
    """A value as TOML writes it, a table inline; what is None is left out, for TOML has no such value."""
    if isinstance(value, dict):
        inside = ", ".join(f"{_toml(str(k))} = {_toml(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
