"""Spaces in which images are compared: pixels, a fixed network, and a network that learnt on train.

Distances to patients and attacks use pixels and the fixed network only: a network that learnt from members gives them
away by itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.core import NotEvaluable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cohortsmith.evaluation.core import Comparison, Draw, ImageModels, Images, Learned, Matrix

LIMIT = 2000  # samples a side of the draw outside of which networks learn


def turned(x: Images) -> Iterator[Images]:
    """The images in all eight orientations, turned by quarters and mirrored; four where they are no squares."""
    for mirrored in (x, x[:, :, ::-1]):
        for quarters in range(0, 4, 1 if x.shape[1] == x.shape[2] else 2):
            yield np.rot90(mirrored, quarters, axes=(1, 2))


def seen_draw(comparison: Comparison, limit: int, seed: int, see: Callable[[Images], Matrix]) -> Draw:
    """`comparison.draw(limit, seed)` with what `see` makes of the images themselves, (n, d) each side."""
    c, draw = comparison, comparison.draw(limit, seed)
    return replace(
        draw,
        real=see(c.holdout.x[draw.rows.real]),
        synthetic=see(c.synthetic.x[draw.rows.synthetic]),
        reference=see(c.train.x[draw.rows.reference]),
        structureless=see(c.structureless_images(len(draw), seed)),
    )


def image_models_of(comparison: Comparison) -> ImageModels:
    """ImageModels of a comparison of images.

    Raises:
        NotEvaluable: it was given none.
    """
    if comparison.image_models is None:
        raise NotEvaluable("it is measured in what a network sees of images, and none was given")
    return comparison.image_models


def fixed_features(comparison: Comparison, x: Images) -> Matrix:
    """What the fixed network sees of images x, (n, d), each feature standardised by train."""
    _, location, spread = _fixed_train(comparison)
    return (_sound(image_models_of(comparison).fixed(x)) - location) / spread


def fixed_train(comparison: Comparison) -> Matrix:
    """What the fixed network sees of train, (n, d), each feature standardised."""
    return _fixed_train(comparison)[0]


def _fixed_train(comparison: Comparison) -> tuple[Matrix, Matrix, Matrix]:
    """Train's features, standardised, and by what."""

    def make() -> tuple[Matrix, Matrix, Matrix]:
        features = _sound(image_models_of(comparison).fixed(comparison.train.x))
        location, spread = _location_and_spread(features)
        return (features - location) / spread, location, spread

    return comparison.memo(("fixed network on train",), make)


def fixed_draw(comparison: Comparison, limit: int, seed: int) -> Draw:
    """`comparison.draw(limit, seed)` as the fixed network sees it, (n, d) each side."""

    def make() -> Draw:
        return seen_draw(comparison, limit, seed, lambda x: fixed_features(comparison, x))

    return comparison.memo(("fixed draw", limit, seed), make)


def learnt(comparison: Comparison, seed: int) -> Learned:
    """A network that learnt the classes on train outside the reference draw, which is as new to it as the holdout."""

    def make() -> Learned:
        c, rows = comparison, np.sort(comparison.draw(LIMIT, seed).apart)
        return image_models_of(c).learn(c.train.x[rows], c.train.y[rows], len(c.classes), seed)

    return comparison.memo(("learnt", seed), make)


def learnt_draw(comparison: Comparison, limit: int, seed: int) -> Draw:
    """`comparison.draw(limit, seed)` as a network that learnt the classes embeds it, (n, d) each side, standardised.

    Mean and standard deviation of each feature are those of the images the network learnt from. With another limit
    than that of `learnt`, some of the reference draw may have been among them: all metrics draw alike.
    """

    def make() -> Draw:
        network, apart = learnt(comparison, seed), comparison.draw(limit, seed).apart
        location, spread = _location_and_spread(_sound(network.embed(comparison.train.x[apart])))
        return seen_draw(comparison, limit, seed, lambda x: (_sound(network.embed(x)) - location) / spread)

    return comparison.memo(("learnt draw", limit, seed), make)


def _location_and_spread(features: Matrix) -> tuple[Matrix, Matrix]:
    """Mean and standard deviation of each feature, (d,); one that hardly differs is stretched four times at most."""
    spread = features.std(axis=0, dtype=np.float64)
    location = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    return location, np.maximum(spread, max(np.sqrt(np.mean(spread**2)) / 4, 1e-6)).astype(np.float32)


def _sound(features: Matrix) -> Matrix:
    """Features as float32.

    Raises:
        NotEvaluable: the network gives NaN or infinity.
    """
    features = np.asarray(features, dtype=np.float32)
    if not np.isfinite(features).all():
        raise NotEvaluable("the network that sees the images gives NaN or infinite features")
    return features
