"""Panels of synthetic images beside the nearest real ones: for a page that may show patients."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evaluation.image_tiles import tile

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from evaluation.comparison import Comparison

    Matrix = NDArray[np.float32]
    Rows = NDArray[np.int64]

PANELS = 12
MOST = 5000  # images of a side that neighbours are looked for of
_BLOCK = 512
_ODD = 0.01  # share of holdout images whose ratio counts as suspicious


class Suspects(NamedTuple):
    """Nearest real images of synthetic ones, most suspicious first.

    Attributes:
        synthetic, train, holdout: (n,) rows in their cohorts.
        to_train, to_holdout: (n,) distances, root mean square over columns.
        bar: the ratio of the two distances that one in a hundred holdout images stays below, measured against train and
            the rest of the holdout; None with fewer than two.
        share: of synthetic images below `bar`.
    """

    synthetic: Rows
    train: Rows
    holdout: Rows
    to_train: Matrix
    to_holdout: Matrix
    bar: float | None
    share: float


def suspects(synthetic: Matrix, train: Matrix, holdout: Matrix, seed: int = 0) -> Suspects:
    """Synthetic rows by how much nearer the nearest train row is than the nearest holdout row; all are (n, d).

    At most `MOST` synthetic and as many holdout rows are looked at, drawn at random.
    """
    rng = np.random.default_rng([seed, 71])
    rows, held = (np.sort(rng.permutation(len(x))[:MOST]) for x in (synthetic, holdout))
    near, to_train = _closest(synthetic[rows], train)
    other, to_holdout = _closest(synthetic[rows], holdout)
    ratio = _ratio(to_train, to_holdout)
    order = np.lexsort((to_train, ratio))
    bar = None
    if len(held) > 1:
        own = _ratio(_closest(holdout[held], train)[1], _closest(holdout[held], holdout, held)[1])
        bar = float(np.quantile(own, _ODD))
    return Suspects(
        rows[order],
        near[order],
        other[order],
        to_train[order],
        to_holdout[order],
        bar,
        float((ratio < bar).mean()) if bar is not None else 0.0,
    )


def _ratio(to_train: Matrix, to_holdout: Matrix) -> Matrix:
    """First over second, 1 where both are 0."""
    return np.divide(
        to_train, to_holdout, out=np.where(to_train > 0, np.inf, 1).astype(np.float32), where=to_holdout > 0
    )


def _closest(a: Matrix, b: Matrix, own: Rows | None = None) -> tuple[Rows, Matrix]:
    """Nearest row of `b` for each of `a`, and its distance (root mean square); `own`: a row of `b` to leave out."""
    squares = np.einsum("ij,ij->i", b, b)
    hits = np.empty(len(a), dtype=np.int64)
    for start in range(0, len(a), _BLOCK):
        part = a[start : start + _BLOCK]
        gap = squares - 2 * (part @ b.T)
        if own is not None:
            gap[np.arange(len(part)), own[start : start + _BLOCK]] = np.inf
        hits[start : start + _BLOCK] = gap.argmin(axis=1)
    distance: Matrix = np.sqrt(np.square(a - b[hits]).mean(axis=1))  # exact, and 0 between equal rows
    return hits, distance


def panels(comparison: Comparison, see: Callable[[NDArray[np.uint8]], Matrix], unit: str) -> str:
    """HTML of the most suspicious synthetic images beside the nearest real ones.

    Args:
        comparison: cohorts of images.
        see: columns (n, d) of images (n, height, width, channels) in which distances are taken.
        unit: what a distance is told in, plain text.
    """
    sides = {name: getattr(comparison, name) for name in ("synthetic", "train", "holdout")}
    if not all(len(cohort) for cohort in sides.values()):
        return '<p class="note">Without images on every side there are no neighbours.</p>'
    seen = {name: np.asarray(see(cohort.x), dtype=np.float32) for name, cohort in sides.items()}
    found = suspects(seen["synthetic"], seen["train"], seen["holdout"])
    cards = []
    for at in range(min(PANELS, len(found.synthetic))):
        pictures = []
        for name, row, distance in (
            ("synthetic", found.synthetic[at], None),
            ("train", found.train[at], found.to_train[at]),
            ("holdout", found.holdout[at], found.to_holdout[at]),
        ):
            label = str(sides[name].classes[sides[name].y[row]])
            title = name if distance is None else f"nearest {name}"
            below = "" if distance is None else f"<small>{distance:.3g}</small>"
            drawn = tile(sides[name].x[row], f"{title}, {label}")
            pictures.append(f'<div>{drawn}<small class="at">{title}</small><b>{escape(label)}</b>{below}</div>')
        ratio = _ratio(found.to_train[at : at + 1], found.to_holdout[at : at + 1])[0]
        cards.append(
            f'<div class="card"><div class="who"><small>{at + 1}. ratio {ratio:.2f}</small></div>'
            f'<div class="trio large">{"".join(pictures)}</div></div>'
        )
    told = (
        f"Of {len(found.synthetic):,} synthetic images those whose nearest train image is nearest in comparison with "
        f"their nearest holdout image, most suspicious first. Under each its distance ({unit}); train has "
        f"{len(sides['train']):,} images, holdout {len(sides['holdout']):,}."
    )
    if found.bar is not None:
        told += (
            f" Of holdout images, which no generator saw, one in a hundred has a ratio below {found.bar:.2f}; of "
            f"synthetic ones {100 * found.share:.1f} in a hundred."
        )
    return f'<p class="note">{escape(told)}</p><div class="cards wide">{"".join(cards)}</div>'
