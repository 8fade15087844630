"""Training records in tensors: rows that are a patient's values, whatever their scale and layout.

A saved model may hold averages and weights, but no single record. A row counts as a record when it agrees with one
better than chance and better than an average of several patients could.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import betaincinv, ndtri
from scipy.stats import rankdata

from cohortsmith.data import MASKED, SYMBOLS, numbers_of
from cohortsmith.data.disclosure import MIN_PATIENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

    Floats = NDArray[np.float32]

_CORRELATION, _CORRELATION_OF_IMAGES = 0.995, 0.99
_CERTAIN = 1 - 1e-5
_APART = 0.25  # largest ratio of a row's distance to its record to that to the next patient; larger for averages
_CHANCE = 1e-6  # probability that any row of a tensor agrees so well with any record by chance
_ENTRIES = 1 << 24  # correlations in memory at a time: 64 MB


class RecordSpace(NamedTuple):
    """One scaling in which records may be stored.

    Attributes:
        records: (n, d) training records, each centred and of unit length.
        project: maps rows of a tensor (m, d) to that space.
        centred: whether the cohort's mean has been subtracted, so that records are uncorrelated.
    """

    records: Floats
    project: Callable[[Floats], Floats]
    centred: bool = True


class Records:
    """Training records in every scaling in which they may be stored.

    Args:
        train: the training cohort.
    """

    def __init__(self, train: Cohort) -> None:
        self._train = train

    @cached_property
    def _spaces(self) -> list[RecordSpace]:
        return list(_spaces(self._train))

    def held(self, tensor: NDArray[np.generic]) -> int:
        """Number of records among the rows of a tensor or of its transpose; 0 for a tensor of another size."""
        if not tensor.size or tensor.dtype.kind not in "fiub" or not np.isfinite(tensor).all():
            return 0
        if self._train.about.coded:
            return _sequences(tensor, self._train)
        found: set[int] = set()
        for rows in _layouts(tensor.astype(np.float32), self._train):
            for space in self._spaces:
                found |= _alike(rows, space, self._train)
        return len(found)


def _layouts(tensor: Floats, train: Cohort) -> Iterator[Floats]:
    """Rows of a tensor that could be records, (m, d) each."""
    d = train.x[0].size
    if tensor.size % d == 0:
        yield tensor.reshape(-1, d)
    if tensor.ndim > 1 and tensor.shape[0] == d:
        yield np.ascontiguousarray(tensor.reshape(d, -1).T)
    if train.about.pictured:
        height, width, channels = train.x.shape[1:]
        if tensor.size % d == 0 and channels > 1:
            yield tensor.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(-1, d)
    elif tensor.ndim > 1 and tensor.shape[-1] == d + 1:  # counts carry the library size as one more column
        yield np.ascontiguousarray(tensor.reshape(-1, d + 1)[:, :d])


def _spaces(train: Cohort) -> Iterator[RecordSpace]:
    """Values raw and as logarithms, standardised or not, and normal scores; pixels, and pixels minus their mean."""
    flat = train.x.reshape(len(train), -1).astype(np.float32)
    if train.about.pictured:
        mean = flat.mean(axis=0)
        yield RecordSpace(_unit(flat), _unit, centred=False)
        yield RecordSpace(_unit(flat - mean), _unit)
        yield RecordSpace(_unit(flat - mean), lambda rows: _unit(rows - mean))
        return
    for values in (numbers_of(train), flat)[: 1 if train.scale == "log" else 2]:
        mean, sd = values.mean(axis=0), values.std(axis=0)
        sd = np.where(sd > 0, sd, np.float32(1))
        records = _unit((values - mean) / sd)
        yield RecordSpace(_unit(values), _unit, centred=False)
        yield RecordSpace(records, _unit)
        yield RecordSpace(records, lambda rows, mean=mean, sd=sd: _unit((rows - mean) / sd))  # type: ignore[misc]
    scores = ndtri((rankdata(flat, axis=0) - 0.5) / len(flat)).astype(np.float32)
    yield RecordSpace(_unit(scores), _unit)


def _unit(rows: Floats) -> Floats:
    """Rows minus their mean, of unit length; constant rows become zero."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    flat = length <= 1e-6 * (1 + np.abs(rows).max(axis=1, keepdims=True))
    unit: Floats = np.where(flat, 0, centred / np.where(flat, 1, length)).astype(np.float32)
    return unit


def _alike(tensor: Floats, space: RecordSpace, train: Cohort) -> set[int]:
    """Training records that a row equals: correlated beyond chance, and far more than with any other patient.

    The bound for chance is that of the correlation of d independent normal numbers (its square is a Beta variate), for
    all pairs together (Bonferroni). The margin over the next patient follows from the distribution of distances in
    d / 2 dimensions, since genes are correlated.
    """
    rows, records = space.project(tensor), space.records
    d, pairs = rows.shape[1], len(rows) * len(records)
    alike = _CORRELATION_OF_IMAGES if train.about.pictured else _CORRELATION
    limit = max(alike, float(np.sqrt(1 - betaincinv(max(d - 2, 1) / 2, 0.5, _CHANCE / pairs))))
    if limit >= _CERTAIN:
        return set()  # too few genes to identify a record
    ratio = min(_APART, float((_CHANCE / len(rows)) ** (4 / (d - 2))))
    found: set[int] = set()
    block = max(1, _ENTRIES // len(records))
    for start in range(0, len(rows), block):
        close = np.abs(rows[start : start + block] @ records.T)
        for row in np.flatnonzero((close >= limit).any(axis=1)):
            best = int(close[row].argmax())
            second = float(close[row][train.subjects != train.subjects[best]].max(initial=0))
            certain = space.centred and close[row, best] >= _CERTAIN
            if certain or 1 - close[row, best] <= ratio * (1 - second):
                found.add(best)
    return found


def _sequences(tensor: NDArray[np.generic], train: Cohort) -> int:
    """Number of records of one to four patients, as codes or one-hot; consensus sequences identify nobody."""
    columns = train.x.shape[1]
    consensus = _consensus(train.x)
    shared = {consensus.tobytes()} | {_consensus(train.x[train.y == c]).tobytes() for c in np.unique(train.y)}
    carriers: dict[bytes, set[str]] = {}
    for row, subject in zip(np.where(train.x == MASKED, consensus, train.x), train.subjects, strict=True):
        carriers.setdefault(np.ascontiguousarray(row).tobytes(), set()).add(str(subject))
    rare = {row for row, who in carriers.items() if len(who) < MIN_PATIENTS} - shared
    rows: list[NDArray[np.uint8]] = []
    if tensor.size % columns == 0 and _are_codes(tensor):
        rows += _masks_filled(tensor.reshape(-1, columns).astype(np.uint8), consensus)
    if tensor.size % (SYMBOLS * columns) == 0:
        values = tensor.astype(np.float32)
        for one_hot in (values.reshape(-1, SYMBOLS, columns), values.reshape(-1, columns, SYMBOLS).transpose(0, 2, 1)):
            empty = (one_hot == one_hot[:, :1]).all(axis=1)
            rows += _masks_filled(np.where(empty, MASKED, one_hot.argmax(axis=1)).astype(np.uint8), consensus)
    return len({np.ascontiguousarray(row).tobytes() for row in rows} & rare)


def _are_codes(tensor: NDArray[np.generic]) -> bool:
    values = tensor.astype(np.float64)
    return bool(values.min() >= 0 and values.max() <= MASKED and (values == np.rint(values)).all())


def _consensus(x: NDArray[np.uint8]) -> NDArray[np.uint8]:
    counts = np.stack([(x == code).sum(axis=0) for code in range(SYMBOLS)])
    codes: NDArray[np.uint8] = counts.argmax(axis=0).astype(np.uint8)
    return codes


def _masks_filled(x: NDArray[np.uint8], consensus: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return list(np.where(x == MASKED, consensus, x).astype(np.uint8))
