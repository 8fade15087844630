"""`Sites`: features and frequencies of each column and symbol of an alignment, before any network is trained.

A patient's sequence is the cohort's consensus with a few edits. Most edits are too rare to be seen in any cohort, so a
model that knows an edit only by its position cannot represent unseen ones, and memorises a patient with a unique one.
Here an edit carried by several patients is known by its position; every other one by its type: which base becomes
which, in which context, in which part of the sequence, and its effect on the protein.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.data.nucleotides import GAP, MASKED, SYMBOLS
from cohortsmith.data.sequences import EFFECTS, Reference, reference_of, substitution_effects
from cohortsmith.generators.sequences.carriers import carrier_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

_NEVER = 1e-9  # rate that no cohort of this size can distinguish from zero
_UNSEEN = 0.1  # patients assumed to carry what fewer than `min_carriers` of a class carry
_FREQUENT = 0.2  # share of a class from which an edit is a polymorphism, not sporadic
_MOST = 8  # largest number of sporadic edits that is distinguished
_BEYOND = 0.01  # share of patients that may have more
_CPG = SYMBOLS**2 + 2 * SYMBOLS  # index among the features: after substitutions and neighbours
_STRIDE = 32  # columns between the centres of the bumps that encode positions


@dataclass(frozen=True)
class Sites:
    """Symbols x columns ("cells") of an alignment: all columns' A, then T, C, G and gap.

    Attributes:
        consensus: (columns,) most frequent code.
        log_rates: (classes + 1, 5, columns) log-probability of each symbol in each class, and overall; none is
            estimated from fewer than `min_carriers` patients.
        log_numbers: (classes + 1, m) log-probability of 0, 1, 2, ... sporadic edits, those outside polymorphic columns.
        polymorphic: (columns,) whether another symbol is frequent in a class.
        common: indices (k,) of the cells of edits that at least `min_carriers` patients carry.
        features: (5 * columns, f) features of each cell, from the consensus alone.
    """

    consensus: NDArray[np.uint8]
    log_rates: NDArray[np.float32]
    log_numbers: NDArray[np.float32]
    polymorphic: NDArray[np.bool_]
    common: NDArray[np.int64]
    features: NDArray[np.float32]

    @classmethod
    def fit(cls, cohort: Cohort, min_carriers: int) -> Sites:
        """Sites of a training cohort.

        Args:
            cohort: of sequences; masked positions are not counted.
            min_carriers: fewest patients with an edit that is known by its position.
        """
        own = [np.flatnonzero(cohort.y == label) for label in range(len(cohort.classes))]
        rows = [*own, np.arange(len(cohort))]
        counts = np.stack([_counts(cohort.x[part]) for part in rows])
        held = np.stack([carrier_counts(cohort.x[part], cohort.subjects[part]) for part in rows])
        consensus = counts[-1].argmax(0).astype(np.uint8)
        edit = _edits(consensus)
        common = edit & (held[-1] >= min_carriers)
        groups = _groups(consensus)
        rates = np.stack(
            [_rates(counts[i], len(part), held[i], edit, common, groups, min_carriers) for i, part in enumerate(rows)]
        )
        sizes = np.array([max(len(part), 1) for part in own])
        shares = np.where(common & (held[:-1] >= min_carriers), counts[:-1], 0) / sizes[:, None, None]
        other = (cohort.x != consensus) & (cohort.x < MASKED)
        frequent = _FREQUENT
        polymorphic = np.any(shares >= frequent, axis=(0, 1))
        sporadic = (other & ~polymorphic).sum(1)
        # haplotypes have more uncommon edits than can be counted one by one: less frequent ones are independent too
        while (sporadic > _MOST).mean() > _BEYOND and np.any((shares > 0) & (shares < frequent) & ~polymorphic):
            frequent /= 2
            polymorphic = np.any((shares > 0) & (shares >= frequent), axis=(0, 1))
            sporadic = (other & ~polymorphic).sum(1)
        weights = np.stack([_numbers(sporadic[part], cohort.subjects[part], min_carriers) for part in rows])
        numbers = _as_far_as_known(weights)
        return cls(consensus, rates, numbers, polymorphic, np.flatnonzero(common), _features(consensus, cohort))

    def __len__(self) -> int:
        return len(self.consensus)

    @cached_property
    def groups(self) -> NDArray[np.float32]:
        """Group of each cell, one-hot (5 * columns, 4): common edit, or rare base, gap or insertion."""
        kind = _groups(self.consensus).ravel()
        kind[self.common] = 0
        groups: NDArray[np.float32] = np.eye(4, dtype=np.float32)[kind] * _edits(self.consensus).reshape(-1, 1)
        return groups

    @cached_property
    def kinds(self) -> NDArray[np.int64]:
        """Kind of edit of each cell, (5 * columns,): equal for the same bases, CpG context and effect."""
        defining = np.r_[: SYMBOLS**2, _CPG : _CPG + 1 + len(EFFECTS)]
        _, number = np.unique(self.features[:, defining], axis=0, return_inverse=True)
        return number.ravel()

    @cached_property
    def indels(self) -> NDArray[np.float32]:
        """Which cells are gaps among bases, and which bases among gaps: (2, 5, columns)."""
        groups, edits = _groups(self.consensus), _edits(self.consensus)
        return np.stack([(groups == 2) & edits, (groups == 3) & edits]).astype(np.float32)

    @property
    def has_indels(self) -> bool:
        """Whether any of them can occur, as far as this cohort shows."""
        return bool((np.exp(self.log_rates) * self.indels.sum(0) > 2 * _NEVER).any())

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return {
            "consensus": self.consensus,
            "log_rates": self.log_rates,
            "log_numbers": self.log_numbers,
            "polymorphic": self.polymorphic,
            "common": self.common,
            "features": self.features,
        }


def _counts(x: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Sequences that have each symbol in each column, (5, columns)."""
    return np.stack([(x == code).sum(0) for code in range(MASKED)]).astype(np.int64)


def _edits(consensus: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which cells are not the consensus, (5, columns)."""
    edits: NDArray[np.bool_] = np.arange(SYMBOLS)[:, None] != consensus
    return edits


def _groups(consensus: NDArray[np.uint8]) -> NDArray[np.int64]:
    """1 for a base in a column of bases, 2 for a gap there, 3 for a base in a column of gaps; (5, columns)."""
    return np.where(consensus == GAP, 3, np.where(np.arange(SYMBOLS)[:, None] == GAP, 2, 1)).astype(np.int64)


def _rates(
    counts: NDArray[np.int64], n: int, held: NDArray[np.int64], edit: NDArray[np.bool_], common: NDArray[np.bool_],
    groups: NDArray[np.int64], min_carriers: int,
) -> NDArray[np.float32]:  # fmt: skip
    """Log-probability of each symbol, (5, columns), in n sequences, from counts of sequences and of patients."""
    n = max(n, 1)
    rates = np.where(common, np.where(held >= min_carriers, counts, _UNSEEN) / n, 0.0)
    for group in (1, 2, 3):
        cells = edit & ~common & (groups == group)
        seen = counts[cells].sum()
        if cells.any():
            rates[cells] = max((seen if held[cells].sum() >= min_carriers else 0) / n / cells.sum(), _NEVER)
    rates += ~edit * np.maximum(1 - rates.sum(0), 1e-3)
    rates /= rates.sum(0)
    logs: NDArray[np.float32] = np.log(rates).astype(np.float32)
    return logs


def _numbers(edits: NDArray[np.int64], subjects: NDArray[np.str_], min_carriers: int) -> NDArray[np.float64]:
    """Weight of each number of edits (n,) up to `_MOST`; a small constant for fewer than `min_carriers` patients."""
    edits = np.minimum(edits, _MOST)
    weights = np.bincount(edits, minlength=_MOST + 1).astype(np.float64)
    held = [len(np.unique(subjects[edits == number])) for number in range(_MOST + 1)]
    return np.where(np.array(held) >= min_carriers, weights, _UNSEEN)


def _as_far_as_known(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Log-probability of each number of edits, (classes + 1, m), up to the largest that enough patients have."""
    most = max(int(np.flatnonzero(weights[-1] > _UNSEEN).max(initial=0)), 1)
    known = weights[:, : most + 1]
    logs: NDArray[np.float32] = np.log(known / known.sum(1, keepdims=True)).astype(np.float32)
    return logs


def _features(consensus: NDArray[np.uint8], cohort: Cohort) -> NDArray[np.float32]:
    columns = len(consensus)
    padded = np.concatenate([[GAP], consensus, [GAP]])
    left, here, right = padded[:-2], padded[1:-1], padded[2:]
    symbol = np.repeat(np.arange(SYMBOLS), columns)
    before, own, after = (np.tile(side, SYMBOLS) for side in (left, here, right))
    edit = symbol != own
    one_hot = np.eye(SYMBOLS, dtype=np.float32)
    # A, T, C, G are 0, 1, 2, 3: C becomes T before a G, or G becomes A after a C
    cpg = ((own == 2) & (after == 3) & (symbol == 1)) | ((own == 3) & (before == 2) & (symbol == 0))
    effects, phase = _coding(consensus, cohort)
    parts = [
        np.eye(SYMBOLS**2, dtype=np.float32)[own * SYMBOLS + symbol],
        one_hot[before],
        one_hot[after],
        cpg[:, None].astype(np.float32),
        effects,
        np.tile(phase, (SYMBOLS, 1)),
        np.tile(_bumps(columns), (SYMBOLS, 1)) * edit[:, None],
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _coding(consensus: NDArray[np.uint8], cohort: Cohort) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Effect of each cell on the protein (5 * columns, effects), and position in the codon (columns, 3)."""
    reference = reference_of(cohort)
    place = {name: i for i, name in enumerate(cohort.features)}
    columns = np.array([place[name] for name in reference.column_names])
    own = consensus[columns]
    bases = np.where(own < GAP, own, reference.codes)
    read = Reference("consensus", "".join("ATCG"[code] for code in bases), reference.start, reference.cds)
    kinds = substitution_effects(read)
    effects = np.zeros((SYMBOLS, len(consensus), len(EFFECTS)), np.float32)
    row, base = np.nonzero(kinds >= 0)
    effects[base, columns[row], kinds[row, base]] = 1
    phase = np.zeros((len(consensus), 3), np.float32)
    for i, column in enumerate(columns):
        codon = read.codon(read.start + i)
        if codon:
            phase[column, codon[1]] = 1
    return effects.reshape(-1, len(EFFECTS)), phase


def _bumps(columns: int) -> NDArray[np.float32]:
    """Gaussian bumps along the sequence, (columns, bumps): similar for neighbouring columns."""
    centres = np.arange(_STRIDE / 2, columns + _STRIDE / 2, _STRIDE)
    away = (np.arange(columns)[:, None] - centres) / _STRIDE
    bumps: NDArray[np.float32] = np.exp(-0.5 * away**2).astype(np.float32)
    return bumps
