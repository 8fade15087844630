"""Bringing cohorts onto one footing: the same genes in the same order, the same classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from data.errors import DataError
from data.names import near_misses

if TYPE_CHECKING:
    from data.cohort import Cohort


def align(cohort: Cohort, like: Cohort) -> Cohort:
    """The cohort with the genes, gene order and classes of `like`; genes that `like` lacks are left out.

    Files written apart (train, holdout, synthetic) may order genes differently and lack a class.

    Raises:
        DataError: another data kind or scale, a gene of `like` that is missing, or a class that `like` lacks.
    """
    if cohort.kind != like.kind:
        raise DataError(f"cohorts of one data kind are expected; got {cohort.kind} beside {like.kind}")
    if cohort.kind == "expression" and cohort.scale != like.scale:
        raise DataError(
            f"cohorts of one scale are expected; got {cohort.scale} beside {like.scale}: state the scale when reading"
        )
    for name in cohort.classes:
        if name not in like.classes and name in set(cohort.labels.tolist()):
            raise DataError(
                f"class {name!r} does not occur among {', '.join(like.classes[:12])}{near_misses(name, like.classes)}"
            )
    if cohort.features != like.features:
        at = {name: i for i, name in enumerate(cohort.features)}
        lacking = [name for name in like.features if name not in at]
        if lacking:
            raise DataError(
                f"{len(lacking)} of {len(like.features)} genes are missing, first {lacking[0]!r}; "
                "the same genes are expected"
            )
        cohort = replace(cohort, x=cohort.x[:, [at[name] for name in like.features]], features=like.features)
    if cohort.classes != like.classes:
        place = {name: i for i, name in enumerate(like.classes)}
        position = np.asarray([place.get(name, -1) for name in cohort.classes], dtype=np.int64)
        cohort = replace(cohort, y=position[cohort.y], classes=like.classes)
    return cohort
