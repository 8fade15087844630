"""Attacks on presence data, where a record says which of many edits or variants a patient carries (0 or 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.core import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.privacy.attacks.records import Records

    Floats = NDArray[np.float64]

LOST = 0.05  # probability that a copy lacks an edit of its patient
GAINED = 0.02  # largest probability that a copy has a given edit that its patient lacks
PSEUDO_PATIENTS = 1.0  # weight of the pooled frequency in the frequencies of one cohort


def is_presence(x: Matrix) -> bool:
    """Whether the first rows consist of 0 and 1."""
    some = x[:200]
    return bool(((some == 0) | (some == 1)).all())


def rare_edits_shared(targets: Records, synthetic: Records) -> Floats:
    """Log likelihood ratio of the likeliest synthetic record as an altered copy of the target, (n,).

    A copy keeps an edit with probability .95. An edit that its patient lacks is in it as often as in the release, but
    at most in one of 50: so edits that a generator scattered over its copies cost nothing if they are rare, and a
    shared edit counts minus the log of its share in the release. Otherwise edits occur independently, at their shares.
    Source: the rarity-weighted matching of Narayanan and Shmatikov (2008, IEEE S&P, section 4), as a likelihood.
    """
    made = synthetic.x.astype(np.float64)
    share = _frequencies(made.sum(axis=0), len(made), 0.5)
    gained = np.minimum(share, GAINED)
    both, lost = np.log((1 - LOST) / share), np.log(LOST / (1 - share))
    new, neither = np.log(gained / share), np.log((1 - gained) / (1 - share))
    # t s both + t (1 - s) lost + (1 - t) s new + (1 - t) (1 - s) neither, sorted by products of t and s
    product, of_target = both - lost - new + neither, lost - neither
    of_made = made @ (new - neither) + neither.sum()
    score: Floats = _best(targets.x, made * product, of_made) + targets.x @ of_target
    return score


def allele_frequencies(targets: Records, synthetic: Records, known: Records) -> Floats:
    """Log likelihood ratio of the target at the release's frequencies to those of known outsiders, (n,).

    Summed over edits as if these were independent: the most powerful test on frequencies alone, Sankararaman et al.
    (2009, Nature Genetics 41:965), in place of the distances of Homer et al. (2008, PLoS Genetics 4:e1000167). Each
    frequency is drawn towards the pooled one as by one patient more.
    """
    made, seen, pooled = _pooled(synthetic, known)
    inside = _frequencies(made, len(synthetic.x), pooled)
    outside = _frequencies(seen, len(known.x), pooled)
    absent = np.log1p(-inside) - np.log1p(-outside)
    present = np.log(inside) - np.log(outside)
    score: Floats = targets.x @ (present - absent) + absent.sum()
    return score


def kinship(targets: Records, synthetic: Records, known: Records) -> Floats:
    """Largest kinship with a synthetic record minus the largest with a known outsider, (n,).

    Kinship is the mean over edits of (t - p)(s - p) / p(1 - p), with p the pooled frequency: shared rare edits count
    most. Source: Yang et al. (2011, Am. J. Hum. Genet. 88:76), for sequences in place of genotypes.
    """
    made, seen, pooled = _pooled(synthetic, known)
    share = _frequencies(made + seen, len(synthetic.x) + len(known.x), pooled)
    weight = 1 / (share * (1 - share) * len(share))
    centred = (targets.x - share) * weight
    return _best(centred, synthetic.x - share) - _best(centred, known.x - share)


def _best(targets: NDArray[np.floating], records: Floats, offset: Floats | float = 0.0) -> Floats:
    """Largest product of each target (n, d) with a record (m, d), plus the record's offset (m,): (n,)."""
    found = np.empty(len(targets))
    for start in range(0, len(found), BLOCK):
        rows = slice(start, start + BLOCK)
        found[rows] = (targets[rows] @ records.T + offset).max(axis=1)
    return found


def _pooled(synthetic: Records, known: Records) -> tuple[Floats, Floats, Floats]:
    """Carriers of each edit among synthetic and among known records, and the pooled frequency, (d,) each.

    Both cohorts weigh the same in it; it is kept half a carrier away from 0 and 1.
    """
    made, seen = (side.x.sum(axis=0, dtype=np.float64) for side in (synthetic, known))
    both = (_frequencies(made, len(synthetic.x), 0.5) + _frequencies(seen, len(known.x), 0.5)) / 2
    return made, seen, both


def _frequencies(carriers: Floats, n: int, prior: Floats | float) -> Floats:
    """Frequency of each edit, (d,), drawn towards `prior` as by one patient more."""
    return (carriers + PSEUDO_PATIENTS * prior) / (n + PSEUDO_PATIENTS)
