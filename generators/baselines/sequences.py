"""Baselines for sequences: a position-weight matrix, random edits of the consensus, and Good-Turing edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cohortsmith.data import DataError
from cohortsmith.data.kinds import SEQUENCE
from cohortsmith.data.nucleotides import GAP, SYMBOLS, one_hot
from cohortsmith.generators.contracts import Generator, Schema
from cohortsmith.generators.sequences import without_rare_insertions

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.training import Runtime

_HELD = "its table shows what single patients carry, and saved models hold no patient records"


class PWM(Generator):
    """Every column drawn independently by its symbol frequencies in the class: a position-weight matrix (Stormo 1982).

    A synthetic patient may have no edit, or several, where every real one has exactly one.
    """

    family: ClassVar[str] = "pwm"
    kinds: ClassVar[Collection[str]] = (SEQUENCE,)
    savable: ClassVar[bool] = False
    reason: ClassVar[str] = _HELD

    def __init__(self) -> None:
        super().__init__()
        self._shares: NDArray[np.float32]

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> None:
        whole = one_hot(cohort.x).sum(0)
        tables = []
        for label in range(len(cohort.classes)):
            counts = one_hot(cohort.x[cohort.y == label]).sum(0)
            counts = np.where(counts.sum(1, keepdims=True) > 0, counts, whole)  # a column masked in the whole class
            tables.append(np.cumsum(counts / np.maximum(counts.sum(1, keepdims=True), 1), axis=1))
        self._shares = np.stack(tables).astype(np.float32)

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        x = np.empty((len(y), self._shares.shape[1]), np.uint8)
        for label in np.unique(y):
            rows = np.flatnonzero(y == label)
            drawn = rng.random((len(rows), x.shape[1], 1), dtype=np.float32)
            x[rows] = (drawn >= self._shares[label][:, :-1]).sum(2)
        return x


class RandomEdits(Generator):
    """The cohort's consensus with random substitutions, which a sequence search finds as similar to real ones.

    Args:
        edits: substitutions per patient.
    """

    family: ClassVar[str] = "random-edits"
    kinds: ClassVar[Collection[str]] = (SEQUENCE,)

    def __init__(self, edits: int = 4) -> None:
        super().__init__()
        if not isinstance(edits, int) or isinstance(edits, bool) or edits < 0:
            raise DataError(f"random-edits: edits must be a whole number of at least 0; got {edits!r}")
        self.settings = {"edits": edits}
        self._consensus: NDArray[np.uint8]

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> Schema:
        cohort = without_rare_insertions(cohort, self.min_patients)
        self._consensus = consensus(cohort.x)
        if self.settings["edits"] > (self._consensus != GAP).sum():
            raise DataError(f"random-edits: edits must be at most the {len(self._consensus)} columns")
        return Schema.of(cohort)

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        x = np.tile(self._consensus, (len(y), 1))
        bases = np.flatnonzero(self._consensus != GAP)
        for row in range(len(y)):
            at = rng.choice(bases, self.settings["edits"], replace=False)
            x[row, at] = (x[row, at] + rng.integers(1, GAP, len(at))) % GAP
        return x

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"consensus": self._consensus}, {}

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        self._consensus = tensors["consensus"]


class GoodTuring(Generator):
    """As many edits per patient as in the class, each one observed in it, or a new one by the Good-Turing estimate.

    The probability of an unseen edit is the share of edits seen once (Good 1953, equation 9); new ones are
    substitutions drawn uniformly.
    """

    family: ClassVar[str] = "good-turing"
    kinds: ClassVar[Collection[str]] = (SEQUENCE,)
    savable: ClassVar[bool] = False
    reason: ClassVar[str] = _HELD

    def __init__(self) -> None:
        super().__init__()
        self._consensus: NDArray[np.uint8]
        self._numbers: list[NDArray[np.int64]]
        self._seen: list[NDArray[np.int64]]
        self._unseen: list[NDArray[np.int64]]
        self._new: list[float]

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> None:
        self._consensus = consensus(cohort.x)
        edit = (cohort.x != self._consensus) & (cohort.x < SYMBOLS)
        bases = np.flatnonzero(self._consensus != GAP)
        possible = (bases[:, None] * SYMBOLS + np.arange(GAP))[np.arange(GAP) != self._consensus[bases, None]]
        self._numbers, self._seen, self._unseen, self._new = [], [], [], []
        for label in range(len(cohort.classes)):
            rows, columns = np.nonzero(edit[cohort.y == label])
            cells = columns * SYMBOLS + cohort.x[cohort.y == label][rows, columns]
            _, counts = np.unique(cells, return_counts=True)
            self._numbers.append(edit[cohort.y == label].sum(1))
            self._seen.append(cells)
            self._unseen.append(np.setdiff1d(possible, cells))
            self._new.append(float((counts == 1).sum() / max(len(cells), 1)))

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        x = np.tile(self._consensus, (len(y), 1))
        for row, label in enumerate(y):
            for _ in range(int(rng.choice(self._numbers[label]))):
                new = rng.random() < self._new[label] and len(self._unseen[label])
                cell = rng.choice(self._unseen[label] if new else self._seen[label])
                x[row, cell // SYMBOLS] = cell % SYMBOLS
        return x


def consensus(x: np.ndarray[Any, np.dtype[np.uint8]]) -> NDArray[np.uint8]:
    """Most frequent symbol of each column of codes (n, columns); masked positions are not counted."""
    symbols: NDArray[np.uint8] = one_hot(x).sum(0).argmax(1).astype(np.uint8)
    return symbols
