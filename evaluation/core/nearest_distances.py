"""Euclidean distances between many samples, in blocks, exact for copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core.pixel_scale import Matrix

BLOCK = 512
WIDE = 64
SPARSE = 0.05


def distances(a: Matrix, b: Matrix) -> NDArray[np.float32]:
    """Euclidean distances, (len(a), len(b)) float32; exactly 0 between equal rows and only there."""
    out = np.empty((len(a), len(b)), dtype=np.float32)
    for start, block in _blocks(a, b):
        out[start : start + len(block)] = block
    return out


def nearest(a: Matrix, b: Matrix, k: int = 1, *, self_excluded: bool = False) -> NDArray[np.float32]:
    """Distances of each row of `a` to its `k` nearest rows of `b`, ascending, (len(a), k) float32.

    Args:
        a: (n, genes).
        b: (m, genes), m >= k (m > k with `self_excluded`).
        k: how many.
        self_excluded: `a` and `b` are the same rows; a row is not its own neighbour, an equal row is.
    """
    if k == 1 and not self_excluded and not (_are_few_ones(a) and _are_few_ones(b)):
        return _nearest_one(a, b)[:, None]
    out = np.empty((len(a), k), dtype=np.float32)
    for start, block in _blocks(a, b):
        if self_excluded:
            np.fill_diagonal(block[:, start:], np.inf)
        near = (
            block.min(axis=1, keepdims=True) if k == 1 else np.sort(np.partition(block, k - 1, axis=1)[:, :k], axis=1)
        )
        out[start : start + len(block)] = near
    return out


def _nearest_one(a: Matrix, b: Matrix) -> NDArray[np.float32]:
    """Distance to the nearest row of `b`, (len(a),): as `_blocks`, with two passes over the matrix instead of nine."""
    number_a, number_b = same_rows(a, b)
    right = b.astype(np.float64)
    square_b = np.einsum("ij,ij->i", right, right)
    right *= -2
    out = np.empty(len(a), dtype=np.float32)
    for start in range(0, len(a), BLOCK):
        rows = slice(start, start + BLOCK)
        left = a[rows].astype(np.float64)
        square: NDArray[Any] = left @ right.T
        square += square_b
        out[rows] = np.sqrt(np.maximum(square.min(axis=1) + np.einsum("ij,ij->i", left, left), 0))
    np.maximum(out, np.finfo(np.float32).tiny, out=out)
    out[np.isin(number_a, number_b)] = 0
    return out


def group_nearest(d: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Distance to the nearest row of each group, (n, groups), from distances `d` (n, m) with groups as column runs."""
    return np.minimum.reduceat(d, starts, axis=1)


def same_rows(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of rows, (len(a),) and (len(b),): equal numbers if and only if the rows are equal, in `a` or across."""
    both: NDArray[Any] = np.ascontiguousarray(np.concatenate([a, b]))
    if both.dtype.kind == "f":
        both = both + np.float32(0)  # -0 becomes 0
    if _are_few_ones(both):
        both = np.packbits(both > 0, axis=1)
    keys = both.view(np.dtype((np.void, both.dtype.itemsize * both.shape[1]))).ravel()
    _, number = np.unique(keys, return_inverse=True)
    return number[: len(a)], number[len(a) :]


def _blocks(a: Matrix, b: Matrix) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Blocks of rows of the distance matrix with their first row.

    |a - b|^2 = |a|^2 + |b|^2 - 2ab in float64, which leaves some 1e-7 between equal rows; ties must be exact, so equal
    rows are found by their bytes and set to 0, and others kept above it. Edits of sequences, 0 or 1 and mostly 0, are
    multiplied as such: whole numbers, exact by themselves.
    """
    if _are_few_ones(a) and _are_few_ones(b):
        yield from _blocks_of_ones(a, b)
        return
    number_a, number_b = same_rows(a, b)
    right = b.astype(np.float64)
    square_b = np.einsum("ij,ij->i", right, right)
    smallest = np.finfo(np.float32).tiny
    for start in range(0, len(a), BLOCK):
        rows = slice(start, start + BLOCK)
        left = a[rows].astype(np.float64)
        square: NDArray[Any] = left @ right.T
        square *= -2
        square += np.einsum("ij,ij->i", left, left)[:, None]
        square += square_b
        np.sqrt(np.maximum(square, 0, out=square), out=square)
        block = np.maximum(square.astype(np.float32), smallest)
        block[number_a[rows][:, None] == number_b] = 0
        yield start, block


def _are_few_ones(x: NDArray[Any]) -> bool:
    ones = np.count_nonzero(x)
    return bool(x.shape[1] >= WIDE and ones <= SPARSE * x.size and ones == np.count_nonzero(x == 1))


def _blocks_of_ones(a: Matrix, b: Matrix) -> Iterator[tuple[int, NDArray[np.float32]]]:
    left, right = sparse(a), sparse(b).T.tocsr()
    size_a, size_b = (np.asarray(x.sum(axis=axis), dtype=np.float32).ravel() for x, axis in ((left, 1), (right, 0)))
    for start in range(0, len(a), BLOCK):
        rows = slice(start, min(start + BLOCK, len(a)))
        block = (left[rows] @ right).toarray()
        block *= -2
        block += size_a[rows, None]
        block += size_b
        yield start, np.sqrt(block, out=block)


def sparse(x: NDArray[Any]) -> csr_array:
    """Binary table (n, d) as a sparse array of float32 ones; much faster than SciPy's conversion from floats."""
    held = x != 0
    at = np.flatnonzero(held)
    starts = np.concatenate([[0], np.cumsum(held.sum(axis=1))])
    return csr_array((np.ones(len(at), dtype=np.float32), at % max(1, x.shape[1]), starts), shape=x.shape)
