"""Identity of a virtual patient's sequence with its best hit among real patients, as blastn reports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.data.nucleotides import GAP
from cohortsmith.evaluation.core import (
    BLOCK,
    MEAN_INTERVAL,
    SAMPLES_PER_SIDE,
    Finding,
    Stream,
    consensus,
    distinct,
    edits_of,
    mean,
    scattered,
    sparse,
)
from cohortsmith.evaluation.metrics.sequences.local_alignment import Aligner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Codes
    from cohortsmith.evaluation.spaces import Comparison

CANDIDATES = 8
MOST_ALIGNED = 150


class Hits(NamedTuple):
    """Best hit of each query, (n,) each.

    Attributes:
        identity: identities over alignment columns, gaps counted, in percent.
        coverage: share of the query's bases within the alignment, in percent.
        subject: row of the best hit.
    """

    identity: NDArray[np.float64]
    coverage: NDArray[np.float64]
    subject: NDArray[np.int64]


def identity(comparison: Comparison, seed: int) -> Finding:
    """Mean identity in percent of synthetic sequences with their best hit among train patients.

    Identities over columns of the local alignment, gaps counted, as blastn reports it. Reference: the same of as many
    holdout sequences. Chance: train's consensus with as many substitutions as patients have, at random. 100 is a
    copy; the target is the identity of unseen real patients.
    """
    draw = comparison.draw(SAMPLES_PER_SIDE, seed)
    train = comparison.train.x
    made = scattered(
        train, min(len(draw), SAMPLES_PER_SIDE // 4), np.random.default_rng([seed, Stream.IDENTITY_BASELINE])
    )
    sides = (comparison.synthetic.x[draw.rows.synthetic], comparison.holdout.x[draw.rows.real], made)
    aligner = aligner_of(train)
    found, real, chance = (best_hits(side, train, aligner, most_aligned=MOST_ALIGNED) for side in sides)
    y = draw.synthetic_y[: len(found.identity)]
    by_class: list[dict[str, Any]] = [
        {"class": name, "n": int((y == c).sum()), "value": float(found.identity[y == c].mean())}
        for c, name in enumerate(comparison.classes)
        if (y == c).any()
    ]
    return Finding(
        *mean(found.identity),
        reference=float(real.identity.mean()),
        chance=float(chance.identity.mean()),
        interval=MEAN_INTERVAL,
        detail={
            "n": len(found.identity),
            "query_coverage": float(found.coverage.mean()),
            "query_coverage_reference": float(real.coverage.mean()),
            "identical": float((found.identity == 100).mean()),
            "identical_reference": float((real.identity == 100).mean()),
            "percentile_5": float(np.quantile(found.identity, 0.05)),
            "percentile_5_reference": float(np.quantile(real.identity, 0.05)),
            "lowest": float(found.identity.min()),
            "by_class": by_class,
        },
    )


def aligner_of(subjects: Codes) -> Aligner:
    """Aligner for sequences that are edits of the consensus of `subjects`, (m, columns) codes."""
    own = consensus(subjects)
    return Aligner(own[own != GAP])


def best_hits(
    queries: Codes, subjects: Codes, aligner: Aligner | None = None, *, most_aligned: int | None = None
) -> Hits:
    """Best hit of each query among subjects of the same alignment.

    The eight subjects that differ in fewest columns are scored, for a query with gaps also the eight nearest subjects
    that have any (gaps that overlap make many columns differ and cost little); the best of them is aligned locally.
    Each distinct pair is aligned once.

    Args:
        queries: (n, columns) codes, in random order.
        subjects: (m, columns) codes on the same columns.
        aligner: `aligner_of(subjects)`, shared between calls.
        most_aligned: limit on dynamic-programming alignments (20 ms each at 1279 bases); when more distinct pairs need
            one, as in a cohort with many gaps, the remaining queries are left out. None: no limit.

    Raises:
        NotEvaluable: the sequences are too long.
    """
    aligner = aligner or aligner_of(subjects)
    first_query, query_of = distinct(queries)
    first_subject, _ = distinct(subjects)
    q, s = queries[first_query], subjects[first_subject]
    spent = aligner.dynamic_runs
    identities = np.full(len(q), np.nan)
    coverage, subject = np.zeros(len(q)), np.zeros(len(q), dtype=np.int64)
    left = np.unique(query_of, return_index=True)[1]  # first row of each distinct query
    nearest = _nearest_subjects(q, s)
    for i in np.argsort(left, kind="stable").tolist():
        if most_aligned is not None and aligner.dynamic_runs - spent >= most_aligned:
            break
        near = nearest[i]
        best = near[int(np.argmax([aligner.score(q[i], s[j]) for j in near]))] if len(near) > 1 else near[0]
        local = aligner.align(q[i], s[best])
        bases = int(np.count_nonzero(q[i] != GAP))
        identities[i] = 100 * local.identities / local.columns if local.columns else 0.0
        coverage[i] = 100 * local.bases / bases if bases else 0.0
        subject[i] = first_subject[best]
    rows = query_of[: _first(np.isnan(identities[query_of]))]
    return Hits(identities[rows], coverage[rows], subject[rows])


def _first(hit: NDArray[np.bool_]) -> int:
    return int(hit.argmax()) if hit.any() else len(hit)


def _nearest_subjects(q: Codes, s: Codes) -> list[NDArray[np.int64]]:
    """Subjects that differ from each query in fewest columns, nearest first; a masked base differs from all.

    Columns that differ = edits of both - columns edited in both - shared edits: products of sparse 0/1 tables in place
    of a one-hot product over all columns.
    """
    own = consensus(s)
    edits = edits_of(own, q, s)
    off = [sparse(x != own) for x in (q, s)]
    held = [sparse(edits.matrix(x)) for x in (q, s)]
    across = [off[1].T.tocsr(), held[1].T.tocsr()]
    size_q, size_s = (np.asarray(x.sum(axis=1)).ravel() for x in off)
    gapped_q = ((q == GAP) & (own != GAP)).any(axis=1)
    gapped_s = np.flatnonzero(((s == GAP) & (own != GAP)).any(axis=1))
    near: list[NDArray[np.int64]] = []
    for start in range(0, len(q), BLOCK):
        rows = slice(start, min(start + BLOCK, len(q)))
        shared = (off[0][rows] @ across[0] + held[0][rows] @ across[1]).toarray()
        differ = size_q[rows, None] + size_s - shared
        order = np.argsort(differ, axis=1, kind="stable")[:, :CANDIDATES]
        for i, (row, best) in enumerate(zip(differ, order, strict=True), start):
            if row[best[0]] == 0:
                near.append(best[:1])
            elif gapped_q[i]:
                also = gapped_s[np.argsort(row[gapped_s], kind="stable")[:CANDIDATES]]
                near.append(np.union1d(best, also))
            else:
                near.append(best)
    return near
