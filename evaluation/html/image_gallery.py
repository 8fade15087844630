"""Galleries of images by class, their means, and several families side by side.

Real patients appear only as means over at least five of them, unless the whole page is to show them.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.core import MINIMUM
from cohortsmith.evaluation.html.layout import css_colour
from cohortsmith.evaluation.plots import (
    Chosen,
    breakable,
    class_style,
    each_of,
    like_a_patient,
    presentable,
    some_of,
    tile,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.spaces import Comparison

    Floats = NDArray[np.float64]
    Pixels = NDArray[np.uint8]

BESIDE = 6  # images a class and family where families stand side by side
_LEAST_SCALE = 10.0  # grey levels; smaller differences are not blown up to full colour
_LOW, _HIGH = (213, 94, 0), (0, 114, 178)  # darker and lighter; Okabe & Ito's vermillion and blue
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def galleries(comparison: Comparison, *, patients: bool = False) -> str:
    """One row a class of synthetic images, drawn at random; with `patients` one of real images under it."""
    count = each_of(len(comparison.classes))
    chosen = presentable(comparison, count)
    made, rows = comparison.synthetic, []
    for position, name in enumerate(comparison.classes):
        total = int((made.y == position).sum())
        shown = some_of(made.y, position, count) if patients else chosen[position].rows
        tiles = _tiles(made.x[shown], f"synthetic {name}") or f'<p class="none">{_none(total, chosen[position])}</p>'
        if patients:
            train = comparison.train
            real = _tiles(train.x[some_of(train.y, position, count)], f"real {name}")
            tiles = f"<small>synthetic</small>{tiles}<small>real, train</small>{real}"
        rows.append(
            f'<div class="who">{swatch(position, name)}<small>{total:,} synthetic</small></div><div>{tiles}</div>'
        )
    passed = sum(each.alike for each in chosen)
    told = f"Images of each class, drawn at random, at most {count}."
    if passed and not patients:
        told += f" Passed over: {passed:,} that looked like a real patient's image (correlation of pixels above 0.98)."
    return f'<p class="note">{told}</p><div class="images">{"".join(rows)}</div>'


def _none(total: int, chosen: Chosen) -> str:
    if not total:
        return "No synthetic image of this class."
    return f"Not shown: each of {chosen.alike:,} drawn looks like a real patient's image."


def _tiles(x: Pixels, what: str) -> str:
    """HTML of images in rows; to a screen reader they are one picture."""
    if not len(x):
        return ""
    label = f"{len(x)} image{'' if len(x) == 1 else 's'}: {what}"
    return (
        f'<div class="tiles" role="img" aria-label="{escape(label)}">{"".join(tile(image, what) for image in x)}</div>'
    )


def means(comparison: Comparison) -> str:
    """Mean image of each class, real beside synthetic, and where they differ in brightness."""
    real_y = np.concatenate([comparison.train.y, comparison.holdout.y])
    made_means = _shown_means(comparison)
    found: list[tuple[int, Floats | None, Floats | None]] = []
    for position in range(len(comparison.classes)):
        people = np.concatenate([side.subjects[side.y == position] for side in (comparison.train, comparison.holdout)])
        enough = len(np.unique(people)) >= MINIMUM and (real_y == position).any()
        real = _mean(comparison.train, comparison.holdout, position=position) if enough else None
        found.append((position, real, made_means[position]))
    gaps = [_light(made) - _light(real) for _, real, made in found if real is not None and made is not None]
    scale = max([_LEAST_SCALE, *(float(np.quantile(np.abs(gap), 0.99)) for gap in gaps)])
    cards = "".join(_card(comparison.classes[c], c, real, made, scale) for c, real, made in found)
    return (
        '<p class="note">The mean image of each class, of real patients (train and holdout) and of synthetic ones, and '
        'where they differ: <b class="low">synthetic darker</b>, <b class="high">synthetic lighter</b>, in full '
        f"colour from {scale:.0f} of 255 grey levels on. Not shown: means of fewer than {MINIMUM}, and those that "
        "look like one patient's image.</p>"
        f'<div class="cards">{cards}</div>'
    )


def _shown_means(comparison: Comparison) -> list[Floats | None]:
    """Mean synthetic image of each class; None for too few, or where the mean of copies is a patient again."""
    made = comparison.synthetic
    classes = range(len(comparison.classes))
    found = [_mean(made, position=c) for c in classes]
    drawn = np.stack([np.zeros(made.x.shape[1:]) if mean is None else mean for mean in found])
    alike = like_a_patient(comparison, np.rint(drawn).astype(np.uint8))
    enough = [int((made.y == c).sum()) >= MINIMUM and not alike[c] for c in classes]
    return [mean if kept else None for mean, kept in zip(found, enough, strict=True)]


def _mean(*sides: Cohort, position: int) -> Floats | None:
    """Mean image (height, width, channels) of a class over cohorts, 0..255; None without images."""
    total, count = np.zeros(sides[0].x.shape[1:]), 0
    for side in sides:
        mine = side.x[side.y == position]
        total, count = total + mine.sum(axis=0, dtype=np.float64), count + len(mine)
    return total / count if count else None


def _light(image: Floats) -> Floats:
    """Brightness (height, width) of an image (height, width, channels)."""
    light: Floats = image @ np.asarray(_LUMA) if image.shape[2] == 3 else image[..., 0]
    return light


def _card(name: str, position: int, real: Floats | None, made: Floats | None, scale: float) -> str:
    parts = [_picture(real, "real", name), _picture(made, "synthetic", name)]
    if real is not None and made is not None:
        gap = _light(made) - _light(real)
        # Transparent where nothing differs, so that it stands on the light page and on the dark one.
        drawn = np.empty((*gap.shape, 4), dtype=np.uint8)
        drawn[..., :3] = np.where(gap[..., None] < 0, _LOW, _HIGH)
        drawn[..., 3] = np.rint(255 * np.minimum(np.abs(gap) / scale, 1))
        parts.append(f"<div>{tile(drawn, f'difference of the means of {name}')}<small>difference</small></div>")
    trio = f'<div class="trio">{"".join(parts)}</div>'
    return f'<div class="card"><div class="who">{swatch(position, name)}</div>{trio}</div>'


def _picture(image: Floats | None, side: str, name: str) -> str:
    if image is None:
        return f'<div><span class="px empty">–</span><small>{side}</small></div>'
    drawn = tile(np.rint(image).astype(np.uint8), f"mean of {side} {name}")
    return f"<div>{drawn}<small>{side}</small></div>"


def side_by_side(comparisons: Mapping[str, Comparison]) -> str:
    """Table of synthetic images: a row a class, a column a family; no image that looks like a real patient's."""
    first = next(iter(comparisons.values()))
    heads = "".join(
        f'<th><span style="color: {css_colour(class_style(i)[0])}">{class_style(i)[2]}</span> {escape(family)}</th>'
        for i, family in enumerate(comparisons)
    )
    rows = []
    for position, name in enumerate(first.classes):
        cells = ""
        for family, comparison in comparisons.items():
            chosen = presentable(comparison, BESIDE)[position]
            total = int((comparison.synthetic.y == position).sum())
            drawn = _tiles(comparison.synthetic.x[chosen.rows], f"{family}, synthetic {name}")
            cells += f"<td>{drawn or f'<p class=none>{_none(total, chosen)}</p>'}</td>"
        rows.append(f"<tr><th>{breakable(name)}</th>{cells}</tr>")
    return (
        '<p class="note">Synthetic images of each class, drawn at random. Those that look like a real patient\'s image '
        "(correlation of pixels above 0.98) are left out, so that the page shows no patient.</p>"
        f'<div class="scroll"><table class="beside"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def swatch(position: int, name: str) -> str:
    """HTML of the sign and the name of the class at `position`."""
    colour, _, glyph = class_style(position)
    return f'<b><span class="swatch" style="color: {css_colour(colour)}">{glyph}</span>{breakable(name)}</b>'
