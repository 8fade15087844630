"""Panels of synthetic images beside the nearest real ones: for a page that may show patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.evaluation.core import tiles
from cohortsmith.evaluation.html.environment import fill
from cohortsmith.evaluation.spaces import TILE, ImageView, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup
    from numpy.typing import NDArray

    from cohortsmith.evaluation.core import Images, Matrix
    from cohortsmith.evaluation.spaces import Comparison

    Rows = NDArray[np.int64]
    Ways = Sequence[Matrix]

PANELS = 12
MOST = 5000  # images per cohort whose neighbours are searched
_BLOCK = 512
_ODD = 0.01  # share of holdout images whose ratio counts as suspicious


class Suspects(NamedTuple):
    """Nearest real images of synthetic ones, most suspicious first.

    Attributes:
        synthetic, train, holdout: (n,) rows in their cohorts.
        to_train, to_holdout: (n,) distances, root mean square over columns.
        ratio: (n,) the first distance over the second.
        bar: the ratio that one in a hundred holdout images stays below, measured against train and the rest of the
            holdout; None with fewer than two.
    """

    synthetic: Rows
    train: Rows
    holdout: Rows
    to_train: Matrix
    to_holdout: Matrix
    ratio: Matrix
    bar: float | None


def suspects(synthetic: Ways, train: Matrix, holdout: Ways, seed: int = 0) -> Suspects:
    """Synthetic rows by how much nearer the nearest train row is than the nearest holdout row.

    At most `MOST` synthetic and as many holdout rows are looked at, drawn at random.

    Args:
        synthetic: each (n, d), the same images in every orientation that counts as the same, first as they are.
        train: (m, d).
        holdout: each (k, d), in the same orientations.
        seed: of the draw.
    """
    rng = np.random.default_rng([seed, 71])
    rows, held = (np.sort(rng.permutation(len(ways[0]))[:MOST]) for ways in (synthetic, holdout))
    asked = [way[rows] for way in synthetic]
    (near, to_train), (other, to_holdout) = _closest(asked, train), _closest(asked, holdout[0])
    ratio = _ratio(to_train, to_holdout)
    order = np.lexsort((to_train, ratio))
    bar = None
    if len(held) > 1:
        known = [way[held] for way in holdout]
        own = _ratio(_closest(known, train)[1], _closest(known, holdout[0], held)[1])
        bar = float(np.quantile(own, _ODD))
    return Suspects(rows[order], near[order], other[order], to_train[order], to_holdout[order], ratio[order], bar)


def _ratio(a: Matrix, b: Matrix) -> Matrix:
    """First over second, 1 where both are 0."""
    return np.divide(a, b, out=np.where(a > 0, np.inf, 1).astype(np.float32), where=b > 0)


def _closest(ways: Ways, b: Matrix, own: Rows | None = None) -> tuple[Rows, Matrix]:
    """Nearest row of `b` for each image, whichever way it is nearest, and its distance; `own`: a row to leave out."""
    squares = np.einsum("ij,ij->i", b, b)
    found, best = np.zeros(len(ways[0]), dtype=np.int64), np.full(len(ways[0]), np.inf, dtype=np.float32)
    for a in ways:
        for start in range(0, len(a), _BLOCK):
            part = slice(start, min(start + _BLOCK, len(a)))
            gap = squares - 2 * (a[part] @ b.T)
            if own is not None:
                gap[np.arange(len(gap)), own[part]] = np.inf
            hits = gap.argmin(axis=1)
            apart = np.sqrt(np.square(a[part] - b[hits]).mean(axis=1))  # exact, and 0 between equal rows
            nearer = apart < best[part]
            found[part][nearer], best[part][nearer] = hits[nearer], apart[nearer]
    return found, best


def by_pixels(comparison: Comparison) -> Markup:
    """Panels of images nearest by their pixels, turned or mirrored or not."""

    def flat(x: Images) -> Matrix:
        return tiles(x, TILE).reshape(len(x), -1)

    sides = (comparison.synthetic.x, comparison.train.x, comparison.holdout.x)
    made, held = ([flat(way) for way in turned(x)] for x in (sides[0], sides[2]))
    found = suspects(made, flat(sides[1]), held)
    unit = f"root mean square over tiles of {TILE} × {TILE} pixels, in grey levels of 255, turned and mirrored to fit"
    return _panels(comparison, found, unit, _fitted)


def by_network(comparison: Comparison) -> Markup:
    """Panels of images nearest by the features of the fixed network; the comparison has image models."""
    made, train, held = (
        comparison.seen_as(ImageView).fixed_features(side.x)
        for side in (comparison.synthetic, comparison.train, comparison.holdout)
    )
    unit = "root mean square over the features of a network with fixed random weights, in standard deviations"
    return _panels(comparison, suspects([made], train, [held]), unit, lambda real, _: real)


def _fitted(real: Images, made: Images) -> Images:
    """A real image (height, width, channels) turned and mirrored so that it comes nearest to a synthetic one."""
    ways = [way[0] for way in turned(real[None])]
    return min(ways, key=lambda way: float(np.square(way.astype(np.float32) - made).sum()))


def _panels(comparison: Comparison, found: Suspects, unit: str, fit: Callable[[Images, Images], Images]) -> Markup:
    made = comparison.synthetic
    cards = []
    for at, row in enumerate(found.synthetic[:PANELS]):
        pictures = [_picture(made.x[row], "synthetic", "", "synthetic", comparison.classes[made.y[row]])]
        for name, rows, apart in (
            ("train", found.train, found.to_train),
            ("holdout", found.holdout, found.to_holdout),
        ):
            side = getattr(comparison, name)
            image, label = fit(side.x[rows[at]], made.x[row]), comparison.classes[side.y[rows[at]]]
            pictures.append(_picture(image, name, _short(float(apart[at])), f"nearest {name}", label))
        cards.append((found.ratio[at], pictures))
    text = (
        f"Of {len(found.synthetic):,} synthetic images those that are nearest to a train image relative to the nearest "
        "holdout image, most suspicious first; the ratio is that of the two distances. Under each real image its "
        f"distance: {unit}."
    )
    if found.bar is not None:
        text += (
            f" Of holdout images, which no generator saw, 1 % have a ratio below {found.bar:.2f}; of synthetic ones "
            f"{100 * (found.ratio < found.bar).mean():.1f} %."
        )
    return fill("images.html", "nearest", text, cards)


def _short(distance: float) -> str:
    return f"{distance:.3g}" if distance >= 1 or not distance else f"{distance:.2f}"


def _picture(image: Images, side: str, distance: str, what: str, label: str) -> dict[str, Any]:
    return {"image": image, "side": side, "distance": distance, "what": what, "label": label}
