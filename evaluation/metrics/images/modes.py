"""Modes: diversity of each class, and coverage of the rare appearance clusters of the real cohort."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.cluster import KMeans

from cohortsmith.evaluation.core import (
    GROUPS,
    JACKKNIFE_INTERVAL,
    MAX_FITTED,
    MIN_PER_SIDE,
    SAMPLES_PER_SIDE,
    Finding,
    NotEvaluable,
    Stream,
    distances,
    from_halves,
    group_of,
    half_samples,
    jackknife,
    quietly,
    wilson,
)
from cohortsmith.evaluation.spaces import ImageView, image_colours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Draw, Matrix
    from cohortsmith.evaluation.spaces import Comparison

MIN_PER_MODE = 15  # with fewer, a factor of 2 is within sampling error
LEVELS = (6, 12, 24)  # numbers of clusters
RARE = 0.04
FACTOR = 2  # a mode is covered if its share is right within this factor


class Diversity(NamedTuple):
    """Diversity of one class, relative to the holdout's.

    Attributes:
        n: synthetic images of the class.
        effective: effective number of different synthetic images.
        effective_real: the same of real ones.
        value: ratio of the two.
        left_out: the ratio with each group left out.
        reference: the ratio for train in place of the synthetic cohort.
        chance: the ratio for images without structure.
        spread: standard deviation (root mean square distance from the mean) over that of the holdout.
        spread_reference: the same for train.
    """

    n: int
    effective: float
    effective_real: float
    value: float
    left_out: list[float]
    reference: float
    chance: float
    spread: float
    spread_reference: float


def class_diversity(comparison: Comparison, seed: int) -> Finding:
    """Effective number of different images in a class over the holdout's, for the class with the lowest ratio.

    One over the mean similarity of two images, an image with itself included: Leinster and Cobbold (2012), order 2.
    Similarity exp(-(distance / bandwidth)^2 / 2) of pixels, with half the median distance between nearest neighbours of
    the real class as bandwidth. Copies of a few images count as those few, and a missing class counts 0.
    """
    draw = comparison.draw(SAMPLES_PER_SIDE, seed)
    found = {
        name: _diversity(draw, c)
        for c, name in enumerate(comparison.classes)
        if min((draw.real_y == c).sum(), (draw.reference_y == c).sum()) >= MIN_PER_SIDE
    }
    if not found:
        raise NotEvaluable(f"diversity needs at least {MIN_PER_SIDE} real images of a class, no class has them")
    classes = found.values()
    without = np.min([each.left_out for each in classes], axis=0)
    columns = ("n", "value", "reference", "effective", "effective_real", "spread", "spread_reference")
    return Finding(
        *jackknife(min(each.value for each in classes), without.tolist()),
        reference=min(each.reference for each in classes),
        chance=min(each.chance for each in classes),
        interval=JACKKNIFE_INTERVAL,
        detail={
            "n": len(draw),
            "by_class": [{"class": c} | {k: getattr(each, k) for k in columns} for c, each in found.items()],
        },
    )


def effective_number(distance: NDArray[np.float32], bandwidth: float) -> float:
    """Effective number of different samples from their distances (n, n); 0 if there are none."""
    if not len(distance):
        return 0.0
    return 1 / float(np.exp(-np.square(distance / np.float32(bandwidth)) / 2).mean(dtype=np.float64))


def _diversity(draw: Draw, c: int) -> Diversity:
    real, made, known = draw.real[draw.real_y == c], draw.synthetic[draw.synthetic_y == c], draw.reference
    known, noise = known[draw.reference_y == c], draw.structureless[draw.real_y == c]
    between, own = distances(real, real), distances(made, made)
    bandwidth = float(np.median(np.sort(between, axis=1)[:, 1])) / 2
    if bandwidth == 0:
        raise NotEvaluable("more than half of the holdout's images of a class are equal")
    groups = group_of(len(real)), group_of(len(made))

    def without(g: int) -> float:
        kept = [np.ix_(group != g, group != g) for group in groups]
        return effective_number(own[kept[1]], bandwidth) / effective_number(between[kept[0]], bandwidth)

    effective, effective_real = (effective_number(d, bandwidth) for d in (own, between))
    return Diversity(
        n=len(made),
        effective=effective,
        effective_real=effective_real,
        value=effective / effective_real,
        left_out=[without(g) for g in range(GROUPS)],
        reference=effective_number(distances(known, known), bandwidth) / effective_real,
        chance=effective_number(distances(noise, noise), bandwidth) / effective_real,
        spread=_spread(made) / _spread(real),
        spread_reference=_spread(known) / _spread(real),
    )


def _spread(x: Matrix) -> float:
    return float(np.sqrt(x.var(axis=0, dtype=np.float64).sum())) if len(x) else 0.0


def rare_modes(comparison: Comparison, seed: int) -> Finding:
    """Share of the rare colour modes of the holdout whose share in the synthetic cohort is right within a factor of 2.

    Modes: k-means clusters of the colour statistics of train outside the reference draw, centred on each class's mean
    and whitened: stains, illumination and exposure, independently of the class. Three clusterings are used, of 6, 12
    and 24 clusters, since one cluster of a coarse clustering may be several of a fine one. Rare: at most 4 % of the
    holdout (or 30 images), and at least 15 images.
    """
    draw = comparison.seen_as(ImageView).feature_draw(SAMPLES_PER_SIDE, seed, image_colours)
    rows = np.random.default_rng([seed, Stream.COLOUR_MODES]).permutation(draw.fitting_rows)[:MAX_FITTED]
    fitted = image_colours(comparison.train.x[rows]), comparison.train.y[rows]
    clusterings = [ColourModes(*fitted, classes=len(comparison.classes), modes=modes, seed=seed) for modes in LEVELS]

    def members(x: Matrix, y: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.hstack([each.of(x, y)[:, None] == np.arange(each.modes) for each in clusterings])

    n, real = len(draw), members(draw.real, draw.real_y)
    counts = real.sum(axis=0)
    rare = np.flatnonzero((counts <= max(RARE * n, 2 * MIN_PER_MODE)) & (counts >= MIN_PER_MODE))
    if not len(rare):
        raise NotEvaluable(f"no colour mode of the holdout is rare and has at least {MIN_PER_MODE} of the {n} drawn")
    rare = rare[np.argsort(counts[rare], kind="stable")]
    real, made, known, noise = (
        real[:, rare],
        members(draw.synthetic, draw.synthetic_y)[:, rare],
        members(draw.reference, draw.reference_y)[:, rare],
        members(draw.structureless, draw.real_y)[:, rare],
    )
    value, group = covered_share(real, made), group_of(n)
    halves = [covered_share(real[keep[group]], made[keep[group]]) for keep in half_samples()]
    shares = zip(*(side.mean(axis=0).tolist() for side in (real, made, known)), strict=True)
    return Finding(
        *from_halves(value, halves).widened(wilson(value * len(rare), len(rare))),
        reference=covered_share(real, known),
        chance=covered_share(real, noise),
        interval="the wider of Wilson over modes and a delete-half jackknife over samples",
        detail={"n": n, "modes": [{"holdout": a, "synthetic": b, "train": c} for a, b, c in shares]},
    )


def covered_share(real: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Share of modes as frequent in `other` as in `real` within a factor of 2; membership (n, modes) each."""
    first, second = real.sum(axis=0), other.sum(axis=0)
    return float(((second * FACTOR >= first) & (second <= first * FACTOR)).mean())


class ColourModes:
    """Clusters of images by colour statistics centred on their class's mean.

    Args:
        traits: (n, statistics), see `image_statistics.image_colours`.
        y: (n,) classes.
        classes: number of classes.
        modes: number of clusters.
        seed: of the clustering.
    """

    def __init__(self, traits: Matrix, y: NDArray[np.int64], *, classes: int, modes: int, seed: int) -> None:
        overall = traits.mean(axis=0)
        self._means = np.stack([traits[y == c].mean(axis=0) if (y == c).any() else overall for c in range(classes)])
        rest = (traits - self._means[y]).astype(np.float64)
        size, axes = np.linalg.eigh(np.cov(rest, rowvar=False))
        kept = size > 1e-3 * size.max()  # without directions that depend linearly on the others
        self._whitener = axes[:, kept] / np.sqrt(size[kept])
        self.modes = modes
        with quietly():
            self._clusters = KMeans(self.modes, n_init=3, random_state=seed).fit(rest @ self._whitener)

    def of(self, traits: Matrix, y: NDArray[np.int64]) -> NDArray[np.int64]:
        """Mode of each image, (n,)."""
        points = (traits - self._means[y]).astype(np.float64) @ self._whitener
        return np.asarray(self._clusters.predict(points), dtype=np.int64)
