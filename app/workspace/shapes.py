"""Shapes of the JSON in folders of results, as far as it is read back; other keys are left aside.

What a list of results shows may be missing, since earlier versions and interrupted runs recorded less; what a command
goes on with must be there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from cohortsmith.app.config import DataPart, GeneratorPart, Seed  # noqa: TC001  # pydantic reads the annotations


@dataclass(frozen=True)
class RunConfig:
    """`config.json`: what a run was made with, as far as it can be made again; `model` is the digest of its files."""

    data: DataPart
    generator: GeneratorPart
    seed: Seed
    name: str = ""
    model: str = ""


@dataclass(frozen=True)
class Figure:
    """One metric of `metrics.json`."""

    name: str
    status: str
    value: float | None
    reference: float | None = None
    chance: float | None = None


@dataclass(frozen=True)
class Metrics:
    """`metrics.json`: the scorecard, and digests of the cohorts it is of."""

    metrics: list[Figure]
    digests: dict[str, str] | None = None


@dataclass(frozen=True)
class Environment:
    """`environment.json`: machine and versions, and the summary of the fit."""

    privacy: dict[str, Any] | None = None


@dataclass(frozen=True)
class CohortFacts:
    """Which cohort results are of."""

    cohort: str = ""


@dataclass(frozen=True)
class FamilyFacts:
    """Which family was fitted."""

    family: str = ""


@dataclass(frozen=True)
class Fitted:
    """One family of a comparison."""

    family: str
    metrics: list[Figure]


@dataclass(frozen=True)
class RunFacts:
    """`config.json`, as a list of results shows it."""

    data: CohortFacts = field(default_factory=CohortFacts)
    generator: FamilyFacts = field(default_factory=FamilyFacts)
    seed: int | None = None
    name: str = ""


@dataclass(frozen=True)
class ComparisonFacts:
    """`comparison.json`."""

    data: CohortFacts = field(default_factory=CohortFacts)
    families: list[Fitted] = field(default_factory=list)
    seed: int | None = None


@dataclass(frozen=True)
class StudyFacts:
    """`study.json` of a study that fits families."""

    data: CohortFacts = field(default_factory=CohortFacts)
    families: list[FamilyFacts] = field(default_factory=list)
    seed: int | None = None
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class GridFacts:
    """`grid.json`: the grid that was carried out, and the cohorts it read."""

    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    classifiers: dict[str, dict[str, Any]] = field(default_factory=dict)
    fusions: dict[str, list[str]] = field(default_factory=dict)
    name: str = ""
    metric: str = ""


@dataclass(frozen=True)
class AuditFacts:
    """`audit.json`, as a list of results shows it; `read_audit` reads the whole."""

    decision: Literal["pass", "fail", "not evaluable"]
    seed: int | None = None
    digests: dict[str, str] | None = None
