"""Making cohorts comparable: genes in train's order, sequences on the columns of all, classes by train's numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.sequences import on_columns, shared_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.data.cohort import Cohort


def matched(train: Cohort, holdout: Cohort, synthetic: Cohort) -> tuple[Cohort, Cohort, Cohort]:
    """The three cohorts with the same features in the same order and classes numbered as train's.

    Sequences are put on every column that any of the three has; who lacks an insertion column has a gap there.

    Raises:
        DataError: different kinds, scales, references or features, or a class that train has not.
    """
    for name, cohort in (("holdout", holdout), ("synthetic", synthetic)):
        if cohort.kind != train.kind:
            raise DataError(f"{name} is of kind {cohort.kind}, train of kind {train.kind}: compare cohorts of one kind")
    if train.kind == "sequence":
        sides = {"train": train, "holdout": holdout, "synthetic": synthetic}
        train, holdout, synthetic = _on_shared_columns(sides).values()
    return train, _like_train(train, holdout, "holdout"), _like_train(train, synthetic, "synthetic")


def _on_shared_columns(cohorts: Mapping[str, Cohort]) -> dict[str, Cohort]:
    """Cohorts of sequences, by what they are called, on the columns that any of them has.

    Raises:
        DataError: they are aligned to different references, or a column that is no insertion is missing.
    """
    first, *others = cohorts.items()
    own = first[1].provenance.get("reference") or ""
    for name, cohort in others:
        aligned_to = cohort.provenance.get("reference") or ""
        if aligned_to and own and aligned_to != own:
            raise DataError(
                f"{name} is aligned to {aligned_to}, {first[0]} to {own}: read all with the same --reference"
            )
    if all(cohort.features == first[1].features for _, cohort in others):
        return dict(cohorts)
    columns = shared_columns(*cohorts.values())
    return {name: on_columns(cohort, columns) for name, cohort in cohorts.items()}


def _like_train(train: Cohort, cohort: Cohort, name: str) -> Cohort:
    if cohort.kind == "expression" and cohort.scale != train.scale:
        raise DataError(
            f"{name} is on scale {cohort.scale}, train on scale {train.scale}: state the scale when reading the files"
        )
    if cohort.kind == "image" and cohort.features != train.features:
        raise DataError(
            f"{name} holds images of {cohort.features[0]} pixels, train of {train.features[0]}: give images of one "
            "size, all in colour or all grey"
        )
    if cohort.features != train.features:
        cohort = _reordered(train, cohort, name)
    unknown = sorted(set(np.unique(cohort.labels).tolist()) - set(train.classes))
    if unknown:
        raise DataError(f"{name} has classes that train has not: {_some(unknown)}; train has {_some(train.classes)}")
    if cohort.classes != train.classes:
        position = {c: i for i, c in enumerate(train.classes)}
        table = np.asarray([position.get(c, -1) for c in cohort.classes], dtype=np.int64)
        cohort = replace(cohort, y=table[cohort.y], classes=train.classes)
    return cohort


def _reordered(train: Cohort, cohort: Cohort, name: str) -> Cohort:
    where = {gene: i for i, gene in enumerate(cohort.features)}
    missing = [gene for gene in train.features if gene not in where]
    known = set(train.features)
    extra = [gene for gene in cohort.features if gene not in known]
    if missing or extra or len(where) != len(cohort.features):
        lacks = f"lacks {len(missing)} of train's genes ({_some(missing)})" if missing else ""
        has = f"has {len(extra)} genes that train has not ({_some(extra)})" if extra else ""
        parts = " and ".join(part for part in (lacks, has) if part) or "has duplicate gene names"
        raise DataError(f"{name} {parts}: give the same genes in all three cohorts")
    columns = np.asarray([where[gene] for gene in train.features])
    return replace(cohort, x=cohort.x[:, columns], features=train.features)


def _some(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, ... {len(names) - most} more"
