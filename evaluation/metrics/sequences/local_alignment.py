"""Local alignment of two similar sequences with blastn's scores, without dynamic programming where no gap can pay.

Scores of `blastn -task blastn`: match 2, mismatch -3, a gap of length k -(5 + 2k); Camacho et al. (2009, BMC
Bioinformatics 10:421). Sequences of equal length are aligned along the main diagonal unless leaving it could score
higher; `no_detour_pays` proves that it cannot, which holds for nearly every pair of patients. Pairs without
proof are aligned by Biopython's `PairwiseAligner(scoring="blastn")`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.data.nucleotides import GAP, MASKED, decode
from cohortsmith.evaluation.core import NotEvaluable

if TYPE_CHECKING:
    from Bio.Align import PairwiseAligner
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Codes

MATCH, MISMATCH, OPEN, EXTEND = 2, -3, 7, 2  # a gap's first base costs OPEN, each further one EXTEND
SPAN = MATCH - MISMATCH
CELLS = 2e8
MOST_MISMATCHES = 100
FLANK = 40
MOST_AROUND = 250


class Local(NamedTuple):
    """A local alignment: identical pairs, columns (gaps counted), and bases of the query within it."""

    identities: int
    columns: int
    bases: int


class Aligner:
    """Local alignments between patients whose sequences are edits of one backbone; each distinct pair is aligned once.

    Args:
        backbone: (length,) codes, the consensus without gaps.

    Attributes:
        dynamic_runs: number of pairs that needed dynamic programming so far.
    """

    def __init__(self, backbone: Codes) -> None:
        self._backbone = backbone
        self._aligned: dict[tuple[bytes, bytes], Local] = {}
        self.dynamic_runs = 0

    @cached_property
    def _off_diagonal(self) -> int:
        return best_off_diagonal(self._backbone)

    @cached_property
    def _local(self) -> PairwiseAligner:
        return _aligner("local")

    @cached_property
    def _global(self) -> PairwiseAligner:
        return _aligner("global")

    def align(self, query: Codes, subject: Codes) -> Local:
        """Best local alignment of two rows of one multiple alignment, (columns,) codes each.

        Raises:
            NotEvaluable: more than some 14,000 bases and no proof that the main diagonal is best.
        """
        pair = (query.tobytes(), subject.tobytes())
        if pair not in self._aligned:
            self._aligned[pair] = self._align(query, subject)
        return self._aligned[pair]

    def score(self, query: Codes, subject: Codes) -> float:
        """Fast approximation of the score of `align`, to choose among subjects.

        Columns of the multiple alignment, except around gaps, where differing regions are realigned with their flanks.
        """
        kept = (query != GAP) | (subject != GAP)
        q, s = query[kept], subject[kept]
        at = np.flatnonzero(q != s)
        gapped = bool((q == GAP).any() or (s == GAP).any())
        if not len(at) or not gapped:
            found = segment(at, len(q))
            return MATCH * found.identities + MISMATCH * (found.columns - found.identities)
        total = float(MATCH * len(q))
        for island in np.split(at, np.flatnonzero(np.diff(at) > 2 * FLANK) + 1):
            around = slice(max(0, int(island[0]) - FLANK), min(len(q), int(island[-1]) + 1 + FLANK))
            total += self._island(q[around], s[around]) - MATCH * (around.stop - around.start)
        return total

    def _island(self, q: Codes, s: Codes) -> float:
        gaps = [x == GAP for x in (q, s)]
        texts = [decode(x[~gap]) for x, gap in zip((q, s), gaps, strict=True)]
        if not (gaps[0].any() or gaps[1].any()) or not all(texts) or len(q) > MOST_AROUND:
            value = np.where(q == s, MATCH, MISMATCH)
            for gap in gaps:
                opened = gap & ~np.concatenate([[False], gap[:-1]])
                value = np.where(gap, np.where(opened, -OPEN, -EXTEND), value)
            return float(value.sum())
        return float(self._global.score(*texts))

    def _align(self, query: Codes, subject: Codes) -> Local:
        kept = (query != GAP) | (subject != GAP)
        q, s = query[kept], subject[kept]
        masked = bool((q == MASKED).any() or (s == MASKED).any())
        at = np.flatnonzero(q != s)
        if not masked and not (q == GAP).any() and not (s == GAP).any() and len(at) <= MOST_MISMATCHES:
            if not len(at):
                return Local(len(q), len(q), len(q))
            if len(at) == 1 or (len(q) == len(self._backbone) and self._stays(q, s, at)):
                return segment(at, len(q))
        return self.dynamic(q[q != GAP], s[s != GAP])

    def _stays(self, q: Codes, s: Codes, at: NDArray[np.int64]) -> bool:
        if len(q) ** 2 > CELLS:
            return False
        edits = np.count_nonzero(q != self._backbone) + np.count_nonzero(s != self._backbone)
        return no_detour_pays(at, len(q), self._off_diagonal + SPAN * int(edits))

    def dynamic(self, q: Codes, s: Codes) -> Local:
        """Best local alignment by Biopython of two sequences without gaps, (length,) codes each.

        A masked base differs from every base and, as in blastn, is identical to a masked one.
        """
        if len(q) * len(s) > CELLS:
            raise NotEvaluable(
                f"local alignment of sequences of {max(len(q), len(s))} bases takes too long: use blastn (--blast)"
            )
        self.dynamic_runs += 1
        alignments = self._local.align(decode(s), decode(q))
        if not alignments.score > 0:
            return Local(0, 0, 0)
        best = alignments[0]
        start, stop = int(best.coordinates[1][0]), int(best.coordinates[1][-1])
        return Local(int(best.counts().identities), int(best.length), stop - start)


def _aligner(mode: str) -> PairwiseAligner:
    from Bio.Align import PairwiseAligner

    aligner = PairwiseAligner(scoring="blastn")
    aligner.mode = mode
    return aligner


def segment(mismatches: NDArray[np.int64], length: int) -> Local:
    """Best segment of the main diagonal, the shortest among equals, from the positions of mismatches, ascending."""
    best, total, begin = (0, 0, 0), 0, 0
    last = -1
    for place in (*mismatches.tolist(), length):
        run = place - last - 1
        total += MATCH * run
        if total > best[0]:
            best = (total, begin, place)
        total += MISMATCH
        if total <= 0:
            total, begin = 0, place + 1
        last = place
    _, begin, end = best
    inside = int(np.count_nonzero((mismatches >= begin) & (mismatches < end)))
    return Local(end - begin - inside, end - begin, end - begin)


def no_detour_pays(mismatches: NDArray[np.int64], length: int, off_diagonal: int) -> bool:
    """Whether the main diagonal's best segment beats every alignment that pairs bases off it.

    A detour is a part of an alignment off the main diagonal. At the end of an alignment it covers r rows from a
    mismatch on, holds at most r - 1 pairs and pays for one gap, so it scores at most 2 r - 9, and at most
    `off_diagonal` - 7; between two parts on the diagonal it pays for two gaps: 2 r - 16, `off_diagonal` - 14. Each is
    compared with staying on the diagonal over the same rows, and an alignment wholly off it with the best segment.
    True is a proof; False is not one of the contrary.

    Args:
        mismatches: (m,) positions where the two sequences differ, ascending.
        length: bases of each.
        off_diagonal: upper bound on the score of any gapped alignment whose pairs are all off the main diagonal.
    """
    found = segment(mismatches, length)
    if MATCH * found.identities + MISMATCH * (found.columns - found.identities) <= off_diagonal:
        return False
    for places in (mismatches, (length - 1 - mismatches)[::-1]):
        staying, following = 0, length
        for place in places[::-1].tolist():
            staying = max(0, MISMATCH + MATCH * (following - place - 1) + staying)
            if staying <= min(off_diagonal - OPEN, MATCH * (length - place - 1) - OPEN):
                return False
            following = place
    at = mismatches.tolist()
    for i, first in enumerate(at):
        for j in range(i + 3, len(at)):  # three mismatches cost 15, two gaps and a lost pair 16
            rows = at[j] - first + 1
            if MATCH * rows - SPAN * (j - i + 1) <= min(off_diagonal, MATCH * (rows - 1)) - 2 * OPEN:
                return False
    return True


def best_off_diagonal(backbone: Codes) -> int:
    """Score of the best local alignment of a sequence (length,) with itself whose pairs are all off the main diagonal.

    Gotoh's recurrences (1982, J. Mol. Biol. 162:705), row by row; a path may cross the diagonal inside a gap.
    """
    length = len(backbone)
    best = 0
    steps = EXTEND * np.arange(length + 1)
    score = np.zeros(length + 1, dtype=np.int64)
    vertical = np.full(length + 1, -OPEN, dtype=np.int64)
    for row in range(length):
        vertical = np.maximum(vertical - EXTEND, score - OPEN)
        paired = score[:-1] + np.where(backbone == backbone[row], MATCH, MISMATCH)
        paired[row] = 0  # the diagonal itself is closed; an alignment may begin anew behind it
        here = np.maximum(vertical, 0)
        here[1:] = np.maximum(here[1:], paired)
        reached = np.maximum.accumulate(here + steps)
        here[1:] = np.maximum(here[1:], reached[:-1] - steps[1:] - OPEN + EXTEND)
        here[0] = 0
        score = here
        best = max(best, int(score.max()))
    return best
