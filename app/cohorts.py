"""Cohorts as commands name them: reading, checks before long work, duplicates told first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.console import say
from data import DataError, duplicates, read_cohort
from data.files import suffix_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from data import Cohort


def read(
    source: str,
    *,
    label: str | None = None,
    subject: str | None = None,
    covariates: Sequence[str] | None = None,
    scale: str | None = None,
    impute: bool = False,
) -> Cohort:
    """Cohort from a path or a named set; see `data.read_cohort` for the rules and the errors."""
    stated: Any = scale
    return read_cohort(
        source, label=label, subject=subject, scale=stated, impute=impute, covariates=tuple(covariates or ())
    )


def read_part(
    source: Path,
    train: Cohort,
    *,
    subject: str | None = None,
    covariates: Sequence[str] | None = None,
    impute: bool = False,
) -> Cohort:
    """Holdout or synthetic cohort, read as `train` was: its label column, its scale, its order of genes."""
    cohort = read_cohort(
        source,
        label=train.provenance.get("label"),
        subject=subject,
        scale=train.scale,
        impute=impute,
        covariates=tuple(covariates or ()),
        part=True,
    )
    if cohort.features == train.features or set(cohort.features) != set(train.features):
        return cohort  # other genes are told by the comparison, with their names
    place = {name: column for column, name in enumerate(cohort.features)}
    return replace(cohort, x=cohort.x[:, [place[name] for name in train.features]], features=train.features)


def report_duplicates(train: Cohort, holdout: Cohort) -> dict[str, int]:
    """Say how many patients stand on both sides: copies in the source look like a leak of the generator later.

    Returns:
        Number of pairs, `exact` and `near`.
    """
    if train.features != holdout.features:
        return {"exact": 0, "near": 0}  # not comparable: the comparison refuses them, naming the genes
    found = duplicates(train, holdout)
    counts = {"exact": len(found.exact), "near": len(found.near)}
    if any(counts.values()):
        say(
            f"warning: {counts['exact']} exact and {counts['near']} near duplicates between train and holdout: "
            "they look like a leak of the generator, and flatter its utility"
        )
    else:
        say("duplicates between train and holdout: none")
    return counts


def check_writable(out: Path) -> None:
    """Check the name and the folder of a file to be written, before the work that fills it.

    Raises:
        DataError: a suffix that cohorts are not written in, a folder in its place, or no such parent folder.
    """
    suffix_of(out)
    if out.is_dir():
        raise DataError(f"{out} is a folder; a file name was expected")
    if not out.parent.is_dir():
        raise DataError(f"the folder {str(out.parent)!r} does not exist; make it first")


def suffix_like(source: str) -> str:
    """Format to write synthetic patients in: that of the file they come from, CSV for a named set."""
    try:
        return suffix_of(source)
    except DataError:
        return ".csv"
