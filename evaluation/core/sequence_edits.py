"""Edits: differences of sequences from a consensus, as 0/1 columns for the metrics on profiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cohortsmith.data.nucleotides import ALPHABET, GAP, MASKED, SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

Codes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Edits:
    """Differences from a consensus that occur in some cohorts, in the order of columns and then of symbols.

    Attributes:
        consensus: (columns,) codes that each sequence is compared with.
        column: (edits,) column of each edit in the alignment.
        symbol: (edits,) code of the edit there, never the consensus and never a masked base.
    """

    consensus: Codes
    column: NDArray[np.int64]
    symbol: Codes

    def __len__(self) -> int:
        return len(self.column)

    def matrix(self, x: Codes) -> NDArray[np.float32]:
        """Edits of each sequence, 0 or 1, (n, edits); a masked base counts as the consensus.

        Args:
            x: (n, columns) codes.
        """
        held: NDArray[np.float32] = (x[:, self.column] == self.symbol).astype(np.float32)
        return held

    def names(self, features: Sequence[str]) -> tuple[str, ...]:
        """Each edit as text in the columns' own numbering: '665G>A', '665delG', '665+1insA'."""
        parts = zip(self.column.tolist(), self.symbol.tolist(), self.consensus[self.column].tolist(), strict=True)
        return tuple(_name(features[column], own, symbol) for column, symbol, own in parts)

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """Columns that have an edit, ascending."""
        return np.unique(self.column)


def consensus(x: Codes) -> Codes:
    """Most frequent symbol of each column, masked bases excluded, (columns,); the first in code order on a tie.

    Args:
        x: (n, columns) codes.
    """
    codes: Codes = symbol_counts(x).argmax(axis=1).astype(np.uint8)
    return codes


def symbol_counts(x: Codes) -> NDArray[np.int64]:
    """Count of each symbol in each column, (columns, 5); masked bases are not counted.

    Args:
        x: (n, columns) codes.
    """
    return np.stack([np.count_nonzero(x == code, axis=0) for code in range(SYMBOLS)], axis=1)


def distinct(x: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row of each distinct sequence, and which of the distinct ones each row is, (n,).

    Args:
        x: (n, columns) codes, one column at least.
    """
    keys = np.ascontiguousarray(x).view(np.dtype((np.void, x.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first, inverse


def edits_of(own: Codes, *cohorts: Codes) -> Edits:
    """Edits from the consensus `own` (columns,) that occur in any of the cohorts, (n, columns) codes each.

    If none does, the next symbol in the first column is a placeholder, so that tables of edits are never empty.
    """
    occurs = np.zeros((len(own), SYMBOLS), dtype=bool)
    for x in cohorts:
        occurs |= symbol_counts(x) > 0
    occurs[np.arange(len(own)), own] = False
    if not occurs.any():
        occurs[0, (own[0] + 1) % SYMBOLS] = True
    column, symbol = np.nonzero(occurs)
    return Edits(own, column, symbol.astype(np.uint8))


def independent(x: Codes, n: int, rng: np.random.Generator) -> Codes:
    """`n` sequences whose columns are drawn independently, each symbol at its frequency in `x`, (n, columns).

    A position-weight matrix without classes: variants at their frequencies, independent of each other and of the class.

    Args:
        x: (m, columns) codes.
        n: number of sequences.
        rng: random generator.
    """
    counts = symbol_counts(x)
    made = np.tile(counts.argmax(axis=1).astype(np.uint8), (n, 1))
    vary = np.flatnonzero((counts > 0).sum(axis=1) > 1)
    below = np.cumsum(counts[vary], axis=1) / counts[vary].sum(axis=1, keepdims=True)
    u = rng.random((n, len(vary)))
    made[:, vary] = sum((u >= below[:, code]).astype(np.uint8) for code in range(SYMBOLS - 1))
    return made


def scattered(x: Codes, n: int, rng: np.random.Generator) -> Codes:
    """`n` copies of the consensus of `x` with as many substitutions as its sequences have, at random, (n, columns).

    Positions and bases are uniform: an uninformed baseline that has the right number of variants per patient.
    Columns whose consensus is a gap stay so.

    Args:
        x: (m, columns) codes.
        n: number of sequences.
        rng: random generator.
    """
    own = consensus(x)
    differ = np.count_nonzero((x != own) & (x != MASKED), axis=1)
    positions = np.flatnonzero(own != GAP)
    made = np.tile(own, (n, 1))
    if not len(positions):
        return made
    each = np.minimum(rng.choice(differ, n), len(positions))
    # positions are drawn with replacement: one drawn twice is one edit fewer, rare as long as edits are few
    row = np.repeat(np.arange(n), each)
    column = positions[rng.integers(0, len(positions), len(row))]
    made[row, column] = (own[column] + rng.integers(1, GAP, len(row))) % GAP
    return made


def _name(feature: str, own: int, symbol: int) -> str:
    if symbol == GAP:
        return f"{feature}del{ALPHABET[own]}"
    return f"{feature}ins{ALPHABET[symbol]}" if own == GAP else f"{feature}{ALPHABET[own]}>{ALPHABET[symbol]}"
