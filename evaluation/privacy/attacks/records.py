"""What an attacker holds or attacks: profiles with their classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix

PRIOR_PATIENTS = 1.0  # weight of the mean of all classes in the mean of one


class Records(NamedTuple):
    """Rows of a cohort.

    Attributes:
        x: profiles, (n, d).
        y: classes, (n,).
    """

    x: Matrix
    y: NDArray[np.int64]

    def of_class(self, label: int) -> Matrix:
        """Profiles of a class, (n, d)."""
        own: Matrix = self.x[self.y == label]
        return own

    def class_means(self, classes: int) -> NDArray[np.float64]:
        """Mean of each class, (classes, d), drawn towards the mean of all as if by one more patient."""
        whole = self.x.mean(axis=0, dtype=np.float64)
        means = np.tile(whole, (classes, 1))
        for label in np.unique(self.y):
            own = self.of_class(label)
            means[label] = (own.sum(axis=0, dtype=np.float64) + PRIOR_PATIENTS * whole) / (len(own) + PRIOR_PATIENTS)
        return means


Likeness: TypeAlias = "Callable[[Records], NDArray[np.float64]]"
"""How much targets are like the records that it was fitted to, (n,); higher for the more alike."""


def classes_of(*sides: Records) -> int:
    """Number of classes, of labels counted from 0."""
    return 1 + max(int(side.y.max(initial=0)) for side in sides)
