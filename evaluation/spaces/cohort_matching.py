"""Matching of cohorts: genes in train's order, sequences on shared columns, classes numbered as train's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.spaces.views import VIEWS

if TYPE_CHECKING:
    from cohortsmith.data.cohort import Cohort


def matched(train: Cohort, holdout: Cohort, synthetic: Cohort) -> tuple[Cohort, Cohort, Cohort]:
    """The three cohorts with the same features in the same order and classes numbered as train's.

    Sequences are put on the union of the three cohorts' columns; missing insertion columns are gaps.

    Raises:
        DataError: different kinds, scales, references or features, or a class that train lacks.
    """
    for name, cohort in (("holdout", holdout), ("synthetic", synthetic)):
        if cohort.kind != train.kind:
            raise DataError(f"{name} is of kind {cohort.kind}, train of kind {train.kind}: compare cohorts of one kind")
    sides = {"train": train, "holdout": holdout, "synthetic": synthetic}
    train, holdout, synthetic = VIEWS[train.kind].aligned(sides).values()
    return train, _like_train(train, holdout, "holdout"), _like_train(train, synthetic, "synthetic")


def _like_train(train: Cohort, cohort: Cohort, name: str) -> Cohort:
    VIEWS[train.kind].check_alike(train, cohort, name)
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
