"""What tensors and JSON of a model may tell of one patient without holding the record: extremes, and edits by place."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.data import GAP, MASKED, SYMBOLS, numbers_of
from cohortsmith.evaluation.privacy.artefacts.records import K

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

_TELLING = 1e-4  # by so much, in log-probability, a place that one patient differs at stands out from one nobody does
_LIKE_A_TABLE = 0.95  # share of columns whose unseen symbols are all alike: then a tensor is a table of frequencies


class Places(NamedTuple):
    """Edits named by their place, by how many patients of train carry them: one alone, or two to four."""

    lone: int
    few: int


class Rare:
    """What few patients of train have.

    Args:
        train: the cohort that nothing may be held of.
    """

    def __init__(self, train: Cohort) -> None:
        self._train = train

    @cached_property
    def _extremes(self) -> list[NDArray[np.float32]]:
        """Each gene's least and greatest value, raw and on the log scale, (genes,); NaN where others share it, or 0."""
        train = self._train
        found = []
        for values in {train.scale: train.x, "log": numbers_of(train)}.values():
            for extreme in (values.min(axis=0), values.max(axis=0)):
                shared = (values == extreme).sum(axis=0) >= K
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
        """In how many genes a tensor with a value a gene holds the exact extreme that fewer than five patients have."""
        if not self._train.about.measured or tensor.dtype.kind != "f" or not tensor.ndim:
            return 0
        genes = len(self._train.features)
        ways = [tensor.reshape(-1, tensor.shape[-1])] if tensor.shape[-1] in (genes, genes + 1) else []
        if tensor.ndim > 1 and tensor.shape[0] == genes:
            ways.append(tensor.reshape(genes, -1).T)
        hit = np.zeros(genes, dtype=bool)
        for rows in ways:
            for extreme in self._extremes:
                hit |= (rows[:, :genes].astype(np.float32) == extreme).any(axis=0)
        return int(hit.sum())

    def extremes_among(self, numbers: Iterable[float]) -> int:
        """How many of some numbers are such an extreme; whole numbers are passed over, they are anybody's."""
        if not self._train.about.measured:
            return 0
        known = {float(value) for extreme in self._extremes for value in extreme if np.isfinite(value)}
        return len(
            {value for value in map(float, map(np.float32, numbers)) if value in known and not value.is_integer()}
        )

    def edits(self, name: str, tensor: NDArray[np.generic]) -> Places:
        """Edits of one patient, and of two to four, that a tensor tells by their place.

        Looked for in lists of places (a name with "common" in it), and in tables of log-probabilities (..., 5,
        columns): there a symbol that one patient has must be as improbable as others that nobody has in that column.
        """
        columns = self._train.x.shape[1]
        if "common" in name and tensor.ndim == 1 and tensor.dtype.kind in "iu":
            return _places(np.isin(np.arange(SYMBOLS * columns), tensor), self.carriers)
        if tensor.ndim < 2 or tensor.shape[-2:] != (SYMBOLS, columns) or tensor.dtype.kind != "f":
            return Places(0, 0)
        told = np.zeros(SYMBOLS * columns, dtype=bool)
        bases = self.carriers[:GAP]  # a gap is another kind of edit, with a rate of its own
        comparable = (bases == 0).any(axis=0)
        for table in tensor.reshape(-1, SYMBOLS, columns).astype(np.float64):
            unseen = np.where(bases == 0, table[:GAP], np.nan)[:, comparable]
            if not comparable.any():
                break
            low, high = np.nanmin(unseen, axis=0), np.nanmax(unseen, axis=0)
            if (high - low < _TELLING).mean() < _LIKE_A_TABLE:
                continue
            apart = np.zeros((SYMBOLS, columns), dtype=bool)
            apart[:GAP, comparable] = np.abs(table[:GAP, comparable] - high) > _TELLING
            told |= apart.ravel()
        return _places(told, self.carriers)

    def insertions(self, features: Iterable[Any]) -> Places:
        """Columns of inserted bases ("97+1") that one patient of train, or two to four, have a base in."""
        place = {name: i for i, name in enumerate(self._train.features)}
        bases = (self._train.x != GAP) & (self._train.x != MASKED)
        own = [place[name] for name in features if isinstance(name, str) and "+" in name and name in place]
        held = [len(np.unique(self._train.subjects[bases[:, column]])) for column in own]
        return Places(sum(n == 1 for n in held), sum(1 < n < K for n in held))


def _places(told: NDArray[np.bool_], carriers: NDArray[np.int64]) -> Places:
    who = carriers.ravel()[told]
    return Places(int((who == 1).sum()), int(((who > 1) & (who < K)).sum()))
