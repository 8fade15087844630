"""Exact copies of train records, and distances to the closest record, with the holdout as reference.

Most wild-type sequences of a gene are equal, so a sequence that equals a train patient's is no evidence of copying by
itself: `exact_matches` is compared with the holdout's share, and `unique_matches` counts sequences of a single train
patient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import (
    LARGE_SAMPLES_PER_SIDE,
    MEAN_INTERVAL,
    MIN_PER_SIDE,
    WILSON_INTERVAL,
    Finding,
    Interval,
    NotEvaluable,
    Stream,
    distances,
    from_halves,
    group_nearest,
    group_of,
    group_starts,
    half_samples,
    mean,
    median,
    nearest,
    pick,
    proportional,
    same_rows,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Matrix
    from cohortsmith.evaluation.spaces import Comparison

TRAIN_SAMPLES = 10000


class Nearest(NamedTuple):
    """Distances to the nearest and second nearest train record, (n, 2) per side.

    Expression, images: root mean square over genes or tiles. Sequences: number of edits in which they differ.
    """

    synthetic: NDArray[np.float32]
    holdout: NDArray[np.float32]
    structureless: NDArray[np.float32]


def exact_copies(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic samples equal to a train sample in every gene, to 4 decimals of the log value.

    Images: in every pixel. Reference: the same share of the holdout. All samples are compared.
    """
    del seed
    train, synthetic = _identities(comparison, "synthetic")
    own, holdout = _identities(comparison, "holdout")
    copied = np.isin(synthetic, train)
    return Finding(
        *wilson(float(copied.sum()), len(copied)),
        reference=float(np.isin(holdout, own).mean()),
        chance=0.0,
        interval=WILSON_INTERVAL,
        detail={"copies": int(copied.sum()), "n": len(copied), "train_copied": int(np.isin(train, synthetic).sum())},
    )


def exact_matches(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic sequences that equal a train sequence; reference: the share of holdout sequences that do.

    An excess over the reference indicates copying or collapse onto the wild type, a deficit invented sequences. Classes
    are drawn in the holdout's proportions, since wild types are equal more often than others. A masked base counts as
    the consensus.
    """
    return _matches(comparison, seed, most=None)


def unique_matches(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic sequences that equal the sequence of a single train patient; reference: the holdout's share.

    Such a sequence identifies one person, unlike one that several share.
    """
    return _matches(comparison, seed, most=1)


def _matches(comparison: Comparison, seed: int, most: int | None) -> Finding:
    """Share of sequences that equal one of train which at most `most` train patients have."""
    draw = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed)
    _, patient = np.unique(comparison.train.subjects, return_inverse=True)

    def matched(side: Matrix) -> NDArray[np.bool_]:
        train, own = same_rows(comparison.z_train, side)
        holders = np.bincount(np.unique(np.column_stack([train, patient]), axis=0)[:, 0], minlength=int(own.max()) + 1)
        return (holders[own] > 0) & (holders[own] <= (most or len(train)))

    synthetic, real, chance = (matched(side) for side in (draw.synthetic, draw.real, draw.structureless))
    return Finding(
        *wilson(float(synthetic.sum()), len(draw)),
        reference=float(real.mean()),
        chance=float(chance.mean()),
        interval=WILSON_INTERVAL,
        detail={
            "n": len(draw),
            "matches": int(synthetic.sum()),
            "excess": float(synthetic.mean() - real.mean()),
        },
    )


def dcr(comparison: Comparison, seed: int) -> Finding:
    """Distance of a synthetic sample to the closest train record; reference: a holdout sample's.

    Expression, images: median of the root mean square over genes (tiles of pixels) of standardised differences.
    Sequences: mean number of differing edits, without those that equal a sequence which occurs twice in train, as most
    wild types do.
    """
    found = _nearest(comparison, seed)
    if comparison.train.about.equals_are_usual:
        found = Nearest(*(side[side[:, 1] > 0] for side in found))
        if min(len(found.synthetic), len(found.holdout)) < MIN_PER_SIDE:
            raise NotEvaluable(
                f"distances need at least {MIN_PER_SIDE} sequences that train does not hold twice; there are "
                f"{len(found.synthetic)} synthetic and {len(found.holdout)} of the holdout"
            )
    closest = found.synthetic[:, 0]
    centre, interval = _centre(comparison)
    return Finding(
        *centre(closest),
        reference=centre(found.holdout[:, 0]).value,
        chance=centre(found.structureless[:, 0]).value if len(found.structureless) else None,
        interval=interval,
        detail={
            "n": len(closest),
            "percentile_5": float(np.quantile(closest, 0.05)),
            "percentile_5_reference": float(np.quantile(found.holdout[:, 0], 0.05)),
        },
    )


def nndr(comparison: Comparison, seed: int) -> Finding:
    """Distance to the nearest over the second nearest train record; reference: the holdout's.

    Near 0 a synthetic sample is close to one patient only, near 1 to none in particular; Zhao et al. (2021).
    Expression, images: median, and 0 for a copy of a record that occurs twice in train. Sequences: mean, and 1 for a
    copy of one that occurs twice, which identifies no patient.
    """
    found = _nearest(comparison, seed)
    shared = 1.0 if comparison.train.about.equals_are_usual else 0.0
    ratios = [_ratio(side, shared) for side in found]
    centre, interval = _centre(comparison)
    return Finding(
        *centre(ratios[0]),
        reference=centre(ratios[1]).value,
        chance=centre(ratios[2]).value,
        interval=interval,
        detail={
            "n": len(ratios[0]),
            "percentile_5": float(np.quantile(ratios[0], 0.05)),
            "percentile_5_reference": float(np.quantile(ratios[1], 0.05)),
        },
    )


def dcr_share(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic samples nearer to a train than to a holdout record, equally many of each; ties count half.

    Above 0.5 the generator reproduces its training patients; Platzer and Reutterer (2021). Reference: one half of the
    holdout, nearer to train or to the other half.
    """
    comparison.require("a comparison of distances")
    c = comparison
    rng = np.random.default_rng([seed, Stream.TRAIN_OR_HOLDOUT])
    n = min(len(c.holdout), len(c.train), LARGE_SAMPLES_PER_SIDE)
    synthetic = c.z_synthetic[rng.permutation(len(c.synthetic))[:LARGE_SAMPLES_PER_SIDE]]
    held = rng.permutation(len(c.holdout))[:n]
    share = _train_or_holdout(synthetic, _train_like(c, held, rng), c.z_holdout[held])
    half, rest = held[: n // 2], held[n // 2 :]
    real = _train_or_holdout(c.z_holdout[half], _train_like(c, rest, rng), c.z_holdout[rest])
    return Finding(
        *share,
        reference=real.value,
        chance=0.5,
        interval="the wider of Wilson and a delete-half jackknife over all three cohorts",
        detail={"n_synthetic": len(synthetic), "n_train": n, "n_holdout": n},
    )


def _identities(comparison: Comparison, side: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the samples of train and of a side, equal for equal samples."""
    return same_rows(comparison.view.identity("train"), comparison.view.identity(side))


def _nearest(comparison: Comparison, seed: int) -> Nearest:
    comparison.require("a comparison of distances")

    def make() -> Nearest:
        rng = np.random.default_rng([seed, Stream.CLOSEST_RECORD])
        train = _sampled(comparison.z_train, TRAIN_SAMPLES, rng)
        synthetic = _sampled(comparison.z_synthetic, LARGE_SAMPLES_PER_SIDE, rng)
        holdout = _sampled(comparison.z_holdout, LARGE_SAMPLES_PER_SIDE, rng)
        structureless = comparison.structureless(min(len(holdout), 1000), seed)
        near = [nearest(side, train, 2) for side in (synthetic, holdout, structureless)]
        if comparison.view.presence:
            return Nearest(*(np.square(side) for side in near))
        scale = np.float32(np.sqrt(train.shape[1]))
        return Nearest(*(side / scale for side in near))

    return comparison.memo(("nearest", seed), make)


def _ratio(near: NDArray[np.float32], shared: float) -> NDArray[np.float32]:
    """Nearest over second nearest, (n,); 0 for a copy, `shared` for a copy of a record that occurs twice in train."""
    return np.divide(near[:, 0], near[:, 1], out=np.full(len(near), shared, dtype=np.float32), where=near[:, 1] > 0)


def _centre(comparison: Comparison) -> tuple[Callable[[NDArray[np.float32]], Interval], str]:
    if comparison.view.presence:
        return mean, MEAN_INTERVAL
    return median, "order statistics of the median"


def _sampled(x: Matrix, limit: int, rng: np.random.Generator) -> Matrix:
    return x if len(x) <= limit else x[rng.choice(len(x), limit, replace=False)]


def _train_like(c: Comparison, held: NDArray[np.int64], rng: np.random.Generator) -> Matrix:
    """As many train samples as `held` rows of the holdout, classes in the same proportions, in random order."""
    share = np.bincount(c.holdout.y[held], minlength=len(c.classes)) / len(held)
    return c.z_train[pick(c.train.y, proportional(share, len(held)), rng)]


def _train_or_holdout(synthetic: Matrix, train: Matrix, holdout: Matrix) -> Interval:
    to_train = group_nearest(distances(synthetic, train), group_starts(len(train)))
    to_holdout = group_nearest(distances(synthetic, holdout), group_starts(len(holdout)))
    group = group_of(len(synthetic))

    def share(kept: NDArray[np.bool_]) -> float:
        rows = kept[group]
        a, b = to_train[rows][:, kept].min(axis=1), to_holdout[rows][:, kept].min(axis=1)
        return float(((a < b) + (a == b) / 2).mean())

    halves = half_samples()
    value = share(np.ones(halves.shape[1], dtype=bool))
    return from_halves(value, [share(kept) for kept in halves]).widened(wilson(value * len(group), len(group)))
