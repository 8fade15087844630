"""Modes: how varied each class is, and whether rare stains and lights of the real cohort are found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.cluster import KMeans

from cohortsmith.evaluation.core import (
    GROUPS,
    Finding,
    NotEvaluable,
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

LIMIT = 2000
LEAST = 20  # samples of a class, on the real side
LEAST_OF_A_MODE = 15  # fewer are a matter of chance: a factor of 2 would come about by itself
SAMPLES = 5000  # of train that modes are found in
LEVELS = (6, 12, 24)  # how many modes are sought
RARE = 0.04
FACTOR = 2  # a mode is found if its share is right within this factor


class Diversity(NamedTuple):
    """How varied one class is, over the holdout's.

    Attributes:
        n: synthetic images of the class.
        effective: effective number of different synthetic images.
        effective_real: of real ones.
        value: ratio of the two.
        left_out: the same with each group left out.
        reference: the ratio for train in the synthetic cohort's place.
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
    """Effective number of different images in a class over the holdout's, in the class where it is smallest.

    One over the mean similarity of two images, an image with itself included: Leinster and Cobbold (2012), order 2.
    Similarity exp(-(distance / bandwidth)^2 / 2) of pixels, with half the median distance between nearest neighbours of
    the real class as bandwidth. Copies of a few images count as those few, and a class that is missing counts 0.
    """
    draw = comparison.draw(LIMIT, seed)
    found = {
        name: _diversity(draw, c)
        for c, name in enumerate(comparison.classes)
        if min((draw.real_y == c).sum(), (draw.reference_y == c).sum()) >= LEAST
    }
    if not found:
        raise NotEvaluable(f"diversity needs at least {LEAST} real images of a class, no class has them")
    classes = found.values()
    without = np.min([each.left_out for each in classes], axis=0)
    columns = ("n", "value", "reference", "effective", "effective_real", "spread", "spread_reference")
    return Finding(
        *jackknife(min(each.value for each in classes), without.tolist()),
        reference=min(each.reference for each in classes),
        chance=min(each.chance for each in classes),
        interval="delete-a-group jackknife over samples, 10 groups",
        detail={
            "n": len(draw),
            "by_class": [{"class": c} | {k: getattr(each, k) for k in columns} for c, each in found.items()],
        },
    )


def effective_number(distance: NDArray[np.float32], bandwidth: float) -> float:
    """Effective number of different samples from their distances (n, n); 0 of none."""
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
    """Share of the rare colour modes of the holdout that the synthetic cohort has about as often, within a factor of 2.

    Modes: clusters (k-means) of the colour traits of train outside the reference draw, each less its class's mean,
    whitened: stains, lights and exposures, whatever the class. They are sought three times, 6, 12 and 24 of them, since
    a stain that is a cluster among few may be several among many. Rare: at most 4 % of the holdout (or 30 images), and
    at least 15 images.
    """
    draw = comparison.seen_as(ImageView).seen_draw(LIMIT, seed, image_colours)
    rows = np.random.default_rng([seed, 91]).permutation(draw.apart)[:SAMPLES]
    learnt = image_colours(comparison.train.x[rows]), comparison.train.y[rows]
    laws = [ColourModes(*learnt, classes=len(comparison.classes), modes=modes, seed=seed) for modes in LEVELS]

    def members(x: Matrix, y: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.hstack([law.of(x, y)[:, None] == np.arange(law.modes) for law in laws])

    n, real = len(draw), members(draw.real, draw.real_y)
    counts = real.sum(axis=0)
    rare = np.flatnonzero((counts <= max(RARE * n, 2 * LEAST_OF_A_MODE)) & (counts >= LEAST_OF_A_MODE))
    if not len(rare):
        raise NotEvaluable(f"no colour mode of the holdout is rare and has at least {LEAST_OF_A_MODE} of the {n} drawn")
    rare = rare[np.argsort(counts[rare], kind="stable")]
    real, made, known, noise = (
        real[:, rare],
        members(draw.synthetic, draw.synthetic_y)[:, rare],
        members(draw.reference, draw.reference_y)[:, rare],
        members(draw.structureless, draw.real_y)[:, rare],
    )
    value, group = found_share(real, made), group_of(n)
    halves = [found_share(real[keep[group]], made[keep[group]]) for keep in half_samples()]
    shares = zip(*(side.mean(axis=0).tolist() for side in (real, made, known)), strict=True)
    return Finding(
        *from_halves(value, halves).widened(wilson(value * len(rare), len(rare))),
        reference=found_share(real, known),
        chance=found_share(real, noise),
        interval="the wider of Wilson over modes and a delete-half jackknife over samples",
        detail={"n": n, "modes": [{"holdout": a, "synthetic": b, "train": c} for a, b, c in shares]},
    )


def found_share(real: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Share of modes as frequent in `other` as in `real` within a factor of 2; who is in which, (n, modes) each."""
    first, second = real.sum(axis=0), other.sum(axis=0)
    return float(((second * FACTOR >= first) & (second <= first * FACTOR)).mean())


class ColourModes:
    """Clusters of images by colour traits less their class's mean.

    Args:
        traits: (n, traits), see `image_traits.colours`.
        y: (n,) classes.
        classes: how many there are.
        modes: clusters to find.
        seed: of the clustering.
    """

    def __init__(self, traits: Matrix, y: NDArray[np.int64], *, classes: int, modes: int, seed: int) -> None:
        overall = traits.mean(axis=0)
        self._means = np.stack([traits[y == c].mean(axis=0) if (y == c).any() else overall for c in range(classes)])
        rest = (traits - self._means[y]).astype(np.float64)
        size, axes = np.linalg.eigh(np.cov(rest, rowvar=False))
        kept = size > 1e-3 * size.max()  # traits that follow from the others
        self._whitener = axes[:, kept] / np.sqrt(size[kept])
        self.modes = modes
        with quietly():
            self._clusters = KMeans(self.modes, n_init=3, random_state=seed).fit(rest @ self._whitener)

    def of(self, traits: Matrix, y: NDArray[np.int64]) -> NDArray[np.int64]:
        """Mode of each image, (n,)."""
        points = (traits - self._means[y]).astype(np.float64) @ self._whitener
        return np.asarray(self._clusters.predict(points), dtype=np.int64)
