"""The report's pictures of a cohort of images: galleries by class, means, the embedding, curves.

Real patients appear only as means over at least five of them, unless the whole page is to show them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.evaluation.core import MINIMUM
from cohortsmith.evaluation.html.environment import fill
from cohortsmith.evaluation.html.layout import gallery
from cohortsmith.evaluation.html.nearest_images import by_network, by_pixels
from cohortsmith.evaluation.plots import Chosen, classwise, each_of, like_a_patient, presentable, some_of
from cohortsmith.evaluation.plots import images as image_figures
from cohortsmith.evaluation.plots import pca as figures
from cohortsmith.evaluation.spaces import ImageView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Estimate
    from cohortsmith.evaluation.html.layout import Section
    from cohortsmith.evaluation.spaces import Comparison

    Floats = NDArray[np.float64]

BESIDE = 6  # images a class and family where families stand side by side
_LEAST_SCALE = 10.0  # grey levels; smaller differences are not blown up to full colour
_LOW, _HIGH = (213, 94, 0), (0, 114, 178)  # darker and lighter; Okabe & Ito's vermillion and blue
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_TEMPLATE = "images.html"


def facts(comparison: Comparison) -> dict[str, str]:
    """What the top of the report says of the images."""
    height, width, channels = comparison.train.x.shape[1:]
    return {"Images": f"{height} × {width} pixels, {'colour' if channels == 3 else 'grey'}"}


def pictures(estimates: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    """Sections with the pictures of a cohort of images, none of them a real patient's."""
    return [("images", "Images", galleries(comparison)), *_others(estimates, comparison)]


def with_patients(estimates: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    """The same sections with real patients' images, and synthetic ones beside the nearest of them."""
    network = None if comparison.image_models is None else by_network(comparison)
    return [
        ("images", "Images", galleries(comparison, patients=True)),
        ("neighbours", "Nearest patients", fill(_TEMPLATE, "neighbours", by_pixels(comparison), network)),
        *_others(estimates, comparison),
    ]


def together(comparisons: Mapping[str, Comparison]) -> list[Section]:
    """Section with the synthetic images of several families side by side; none that looks like a real patient's."""
    first = next(iter(comparisons.values()))
    rows = []
    for position, name in enumerate(first.classes):
        cells = []
        for family, comparison in comparisons.items():
            chosen = presentable(comparison, BESIDE)[position]
            total = int((comparison.synthetic.y == position).sum())
            cells.append((comparison.synthetic.x[chosen.rows], f"{family}, synthetic {name}", _none(total, chosen)))
        rows.append((name, cells))
    return [("images", "Images", fill(_TEMPLATE, "side_by_side", list(comparisons), rows))]


def _others(estimates: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    classes = comparison.classes
    images = image_figures.sides(comparison)
    sections = [
        ("means", "Means", image_means(comparison)),
        ("patients", "Embedding (PCA)", _embedding(comparison)),
        ("sharpness", "Sharpness", gallery("sharpness", image_figures.sharpness(images, classes))),
        ("colours", "Colours and contrast", gallery("colours", image_figures.colours(images))),
    ]
    if (by_class := classwise(estimates, classes)).panels:
        sections.append(("within", "Within classes", gallery("within", by_class)))
    return sections


def galleries(comparison: Comparison, *, patients: bool = False) -> Markup:
    """One row a class of synthetic images, drawn at random; with `patients` one of real images under it."""
    count = each_of(len(comparison.classes))
    chosen = presentable(comparison, count)
    made, train, rows = comparison.synthetic, comparison.train, []
    for position, name in enumerate(comparison.classes):
        total = int((made.y == position).sum())
        shown = some_of(made.y, position, count) if patients else chosen[position].rows
        real = train.x[some_of(train.y, position, count)] if patients else None
        rows.append((name, total, made.x[shown], _none(total, chosen[position]), real))
    passed = 0 if patients else sum(each.alike for each in chosen)
    return fill(_TEMPLATE, "galleries", count, passed, rows)


def _none(total: int, chosen: Chosen) -> str:
    """Why a class has no image to show."""
    if not total:
        return "No synthetic image of this class."
    return f"Not shown: each of {chosen.alike:,} drawn looks like a real patient's image."


def image_means(comparison: Comparison) -> Markup:
    """Mean image of each class, real beside synthetic, and where they differ in brightness."""
    real_y = np.concatenate([comparison.train.y, comparison.holdout.y])
    made_means = _shown_means(comparison)
    found: list[tuple[str, Floats | None, Floats | None]] = []
    for position, name in enumerate(comparison.classes):
        people = np.concatenate([side.subjects[side.y == position] for side in (comparison.train, comparison.holdout)])
        enough = len(np.unique(people)) >= MINIMUM and (real_y == position).any()
        real = _mean(comparison.train, comparison.holdout, position=position) if enough else None
        found.append((name, real, made_means[position]))
    gaps = [_light(made) - _light(real) for _, real, made in found if real is not None and made is not None]
    scale = max([_LEAST_SCALE, *(float(np.quantile(np.abs(gap), 0.99)) for gap in gaps)])
    return fill(_TEMPLATE, "means", scale, [_card(*each, scale) for each in found])


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


def _card(name: str, real: Floats | None, made: Floats | None, scale: float) -> dict[str, Any]:
    """Pixels of the two means of a class, and of their difference; None for what is not shown."""
    means = [None if image is None else np.rint(image).astype(np.uint8) for image in (real, made)]
    drawn = None
    if real is not None and made is not None:
        gap = _light(made) - _light(real)
        # Transparent where nothing differs, so that it stands on the light page and on the dark one.
        drawn = np.empty((*gap.shape, 4), dtype=np.uint8)
        drawn[..., :3] = np.where(gap[..., None] < 0, _LOW, _HIGH)
        drawn[..., 3] = np.rint(255 * np.minimum(np.abs(gap) / scale, 1))
    return {"name": name, "real": means[0], "synthetic": means[1], "difference": drawn}


def _embedding(comparison: Comparison) -> Markup:
    """Patients by the fixed network's features of their images, or else by the pixels."""
    by = "pixels" if comparison.image_models is None else "the features of a network with fixed random weights"
    train, holdout, made = (
        image_side(comparison, getattr(comparison, name)) for name in ("train", "holdout", "synthetic")
    )
    drawn = gallery("patients", figures.scatter(train, holdout, made, comparison.classes))
    return fill("report.html", "noted", f"Images by {by}.", drawn)


def image_side(comparison: Comparison, cohort: Cohort) -> figures.Side:
    """A cohort for the plane, thinned."""
    rows = np.arange(len(cohort))
    if len(rows) > figures.MOST_PATIENTS:
        rows = np.sort(np.random.default_rng(0).choice(len(rows), figures.MOST_PATIENTS, replace=False))
    x = cohort.x[rows]
    z = x.reshape(len(x), -1) if comparison.image_models is None else comparison.seen_as(ImageView).fixed_features(x)
    return figures.Side(z.astype(np.float64), cohort.y[rows], cohort.subjects[rows], len(cohort))
