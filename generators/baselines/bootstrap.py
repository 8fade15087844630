"""Baselines that must fail: `Bootstrap` copies patients, `Marginals` draws genes independently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cohortsmith.data.kinds import KINDS
from cohortsmith.generators.contracts import Generator
from cohortsmith.generators.expression import NormalScores

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.training import Runtime


class Bootstrap(Generator):
    """Patients of train drawn with replacement within each class: perfect fidelity, no privacy at all.

    It holds the records, so it is the one generator that is never saved.
    """

    family: ClassVar[str] = "bootstrap"
    kinds: ClassVar[Collection[str]] = KINDS.keys()
    min_patients: ClassVar[int] = 2
    savable: ClassVar[bool] = False
    reason: ClassVar[str] = (
        "this baseline is the training patients themselves, and saved models hold no patient records"
    )

    def __init__(self) -> None:
        super().__init__()
        self._x: NDArray[Any]
        self._y: NDArray[np.int64]

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> None:
        self._x, self._y = cohort.x, cohort.y

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        rows = np.empty(len(y), np.int64)
        for label in np.unique(y):
            rows[y == label] = rng.choice(np.flatnonzero(self._y == label), int((y == label).sum()))
        return self._x[rows]


class Marginals(Generator):
    """Every gene drawn independently from its class's distribution in train."""

    family: ClassVar[str] = "marginals"

    def __init__(self) -> None:
        super().__init__()
        self._scores: NormalScores

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> None:
        rng = np.random.default_rng(seed)
        scores, x = NormalScores.fit(cohort, cohort.y, len(cohort.classes), rng)
        scores = scores.measured(x, cohort.y, len(cohort.classes))
        y = np.repeat(np.unique(cohort.y), 256).astype(np.int64)
        self._scores = scores.matched(_noise(scores, y, rng), y)

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        return self._scores.decode(_noise(self._scores, y, rng), y)

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return self._scores.state()

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        self._scores = NormalScores.of(tensors, values)


def _noise(scores: NormalScores, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal((len(y), len(scores.genes.low)), dtype=np.float32)
