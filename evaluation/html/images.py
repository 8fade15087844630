"""The report's pictures of a cohort of images: galleries by class, means, where patients lie, curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.evaluation.html import image_gallery
from cohortsmith.evaluation.html.layout import gallery
from cohortsmith.evaluation.html.nearest_images import by_network, by_pixels
from cohortsmith.evaluation.plots import classwise
from cohortsmith.evaluation.plots import images as image_figures
from cohortsmith.evaluation.plots import pca as figures
from cohortsmith.evaluation.spaces import ImageView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Estimate
    from cohortsmith.evaluation.html.layout import Section
    from cohortsmith.evaluation.spaces import Comparison


def facts(comparison: Comparison) -> dict[str, str]:
    """What the top of the report says of the images."""
    height, width, channels = comparison.train.x.shape[1:]
    return {"Images": f"{height} × {width} pixels, {'colour' if channels == 3 else 'grey'}"}


def pictures(estimates: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    """Sections with the pictures of a cohort of images, none of them a real patient's."""
    return [("images", "Images", image_gallery.galleries(comparison)), *_others(estimates, comparison)]


def with_patients(estimates: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    """The same sections with real patients' images, and synthetic ones beside the nearest of them."""
    return [
        ("images", "Images", image_gallery.galleries(comparison, patients=True)),
        ("neighbours", "Nearest patients", _neighbours(comparison)),
        *_others(estimates, comparison),
    ]


def _neighbours(comparison: Comparison) -> str:
    drawn = f"<h3>By their pixels</h3>{by_pixels(comparison)}"
    if comparison.image_models is not None:
        drawn += f"<h3>As a fixed network sees them</h3>{by_network(comparison)}"
    return drawn


def _others(estimates: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    classes = comparison.classes
    images = image_figures.sides(comparison)
    sections = [
        ("means", "Means", image_gallery.means(comparison)),
        ("patients", "Patients", _plane(comparison)),
        ("sharpness", "Sharpness", gallery("sharpness", image_figures.sharpness(images, classes))),
        ("colours", "Colours and contrast", gallery("colours", image_figures.colours(images))),
    ]
    if (by_class := classwise(estimates, classes)).panels:
        sections.append(("within", "Within classes", gallery("within", by_class)))
    return sections


def together(comparisons: Mapping[str, Comparison]) -> list[Section]:
    """Section with the synthetic images of several families side by side."""
    return [("images", "Images", image_gallery.side_by_side(comparisons))]


def _plane(comparison: Comparison) -> str:
    """Where patients lie by what the fixed network sees of their images, or else by the pixels."""
    by = "their pixels" if comparison.image_models is None else "what a network that has seen no data sees of them"
    train, holdout, made = (
        image_side(comparison, getattr(comparison, name)) for name in ("train", "holdout", "synthetic")
    )
    drawn = gallery("patients", figures.scatter(train, holdout, made, comparison.classes))
    return f'<p class="note">Images by {by}.</p>{drawn}'


def image_side(comparison: Comparison, cohort: Cohort) -> figures.Side:
    """A cohort for the plane, thinned."""
    rows = np.arange(len(cohort))
    if len(rows) > figures.MOST_PATIENTS:
        rows = np.sort(np.random.default_rng(0).choice(len(rows), figures.MOST_PATIENTS, replace=False))
    x = cohort.x[rows]
    z = x.reshape(len(x), -1) if comparison.image_models is None else comparison.seen_as(ImageView).fixed_features(x)
    return figures.Side(z.astype(np.float64), cohort.y[rows], cohort.subjects[rows], len(cohort))
