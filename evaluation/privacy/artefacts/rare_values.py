"""Rare values in tensors and JSON of a model: extremes and edits that identify a patient without the whole record."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.data import GAP, MASKED, SYMBOLS, numbers_of
from cohortsmith.data.disclosure import MIN_PATIENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

_TELLING = 1e-4  # difference in log-probability by which an edit of one patient stands out from an unseen one
_LIKE_A_TABLE = 0.95  # share of columns with equal unseen symbols from which a tensor is a table of frequencies


class RareEdits(NamedTuple):
    """Number of edits identifiable by position that one training patient carries, and that two to four carry."""

    unique: int
    few: int


class RareValues:
    """Values that fewer than five training patients have.

    Args:
        train: the training cohort.
    """

    def __init__(self, train: Cohort) -> None:
        self._train = train

    @cached_property
    def _extremes(self) -> list[NDArray[np.float32]]:
        """Minimum and maximum of each gene, raw and on the log scale, (genes,); NaN where zero or widely shared."""
        train = self._train
        found = []
        for values in {train.scale: train.x, "log": numbers_of(train)}.values():
            for extreme in (values.min(axis=0), values.max(axis=0)):
                shared = (values == extreme).sum(axis=0) >= MIN_PATIENTS
                found.append(np.where(shared | (extreme == 0), np.nan, extreme).astype(np.float32))
        return found

    @cached_property
    def carriers(self) -> NDArray[np.int64]:
        """Patients who have each symbol in each column of an alignment, (5, columns)."""
        train = self._train
        _, patient = np.unique(train.subjects, return_inverse=True)
        held = np.zeros((SYMBOLS, train.x.shape[1]), dtype=np.int64)
        for code in range(SYMBOLS):
            row, column = np.nonzero(train.x == code)
            pairs = np.unique(np.column_stack([patient[row], column]), axis=0)
            held[code] = np.bincount(pairs[:, 1], minlength=held.shape[1])
        return held

    def extremes(self, tensor: NDArray[np.generic]) -> int:
        """Number of genes whose exact extreme of fewer than five patients is in a tensor with one value per gene."""
        if not self._train.about.measured or tensor.dtype.kind != "f" or not tensor.ndim:
            return 0
        genes = len(self._train.features)
        layouts = [tensor.reshape(-1, tensor.shape[-1])] if tensor.shape[-1] in (genes, genes + 1) else []
        if tensor.ndim > 1 and tensor.shape[0] == genes:
            layouts.append(tensor.reshape(genes, -1).T)
        hit = np.zeros(genes, dtype=bool)
        for rows in layouts:
            for extreme in self._extremes:
                hit |= (rows[:, :genes].astype(np.float32) == extreme).any(axis=0)
        return int(hit.sum())

    def extremes_among(self, numbers: Iterable[float]) -> int:
        """Number of values that are such an extreme; whole numbers are skipped, since they identify nobody."""
        if not self._train.about.measured:
            return 0
        known = {float(value) for extreme in self._extremes for value in extreme if np.isfinite(value)}
        return len(
            {value for value in map(float, map(np.float32, numbers)) if value in known and not value.is_integer()}
        )

    def edits(self, name: str, tensor: NDArray[np.generic]) -> RareEdits:
        """Edits of one patient, and of two to four, that a tensor identifies by position.

        Searched in lists of positions (a name with "common" in it), and in tables of log-probabilities (..., 5,
        columns): there a symbol that one patient has must be as improbable as symbols that are unseen in that column.
        """
        columns = self._train.x.shape[1]
        if "common" in name and tensor.ndim == 1 and tensor.dtype.kind in "iu":
            return _by_carriers(np.isin(np.arange(SYMBOLS * columns), tensor), self.carriers)
        if tensor.ndim < 2 or tensor.shape[-2:] != (SYMBOLS, columns) or tensor.dtype.kind != "f":
            return RareEdits(0, 0)
        identifiable = np.zeros(SYMBOLS * columns, dtype=bool)
        bases = self.carriers[:GAP]  # a deletion is another kind of edit, with its own rate
        comparable = (bases == 0).any(axis=0)
        for table in tensor.reshape(-1, SYMBOLS, columns).astype(np.float64):
            unseen = np.where(bases == 0, table[:GAP], np.nan)[:, comparable]
            if not comparable.any():
                break
            low, high = np.nanmin(unseen, axis=0), np.nanmax(unseen, axis=0)
            if (high - low < _TELLING).mean() < _LIKE_A_TABLE:
                continue
            distinct = np.zeros((SYMBOLS, columns), dtype=bool)
            distinct[:GAP, comparable] = np.abs(table[:GAP, comparable] - high) > _TELLING
            identifiable |= distinct.ravel()
        return _by_carriers(identifiable, self.carriers)

    def insertions(self, features: Iterable[Any]) -> RareEdits:
        """Insertion columns ("97+1") in which one training patient, or two to four, have a base."""
        column_of = {name: i for i, name in enumerate(self._train.features)}
        bases = (self._train.x != GAP) & (self._train.x != MASKED)
        inserted = [column_of[name] for name in features if isinstance(name, str) and "+" in name and name in column_of]
        held = [len(np.unique(self._train.subjects[bases[:, column]])) for column in inserted]
        return RareEdits(sum(n == 1 for n in held), sum(1 < n < MIN_PATIENTS for n in held))


def _by_carriers(edits: NDArray[np.bool_], carriers: NDArray[np.int64]) -> RareEdits:
    count = carriers.ravel()[edits]
    return RareEdits(int((count == 1).sum()), int(((count > 1) & (count < MIN_PATIENTS)).sum()))
