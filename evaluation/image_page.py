"""The report's pictures of a cohort of images: galleries by class, means, where patients lie, curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evaluation import figures, image_figures, image_gallery
from evaluation.image_panels import panels
from evaluation.page import gallery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from data.cohort import Cohort
    from evaluation.comparison import Comparison
    from evaluation.estimate import Estimate
    from evaluation.page import Section


def facts(comparison: Comparison) -> dict[str, str]:
    """What the top of the report says of the images."""
    height, width, channels = comparison.train.x.shape[1:]
    return {"Images": f"{height} × {width} pixels, {'colour' if channels == 3 else 'grey'}"}


def pictures(_: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    """Sections with the pictures of a cohort of images, none of them a real patient's."""
    return _sections(comparison, image_gallery.galleries(comparison))


def with_patients(_: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    """The same sections with real patients' images, and synthetic ones beside the nearest of them."""
    galleries, *others = _sections(comparison, image_gallery.galleries(comparison, patients=True))
    return [galleries, ("neighbours", "Nearest patients", _neighbours(comparison)), *others]


def _neighbours(comparison: Comparison) -> str:
    def pixels(x: NDArray[np.uint8]) -> NDArray[np.float32]:
        return x.reshape(len(x), -1).astype(np.float32)

    drawn = "<h3>By their pixels</h3>" + panels(comparison, pixels, "root mean square over pixels, grey levels of 255")
    if (eyes := getattr(comparison, "eyes", None)) is not None:
        drawn += "<h3>As a fixed network sees them</h3>"
        drawn += panels(comparison, eyes.fixed, "root mean square over the features of a network that has seen no data")
    return drawn


def _sections(comparison: Comparison, galleries: str) -> list[Section]:
    classes = comparison.classes
    images = image_figures.sides(comparison)
    return [
        ("images", "Images", galleries),
        ("means", "Means", image_gallery.means(comparison)),
        ("patients", "Patients", _plane(comparison)),
        ("sharpness", "Sharpness", gallery("sharpness", image_figures.sharpness(images, classes))),
        ("colours", "Colours and contrast", gallery("colours", image_figures.colours(images))),
    ]


def together(comparisons: Mapping[str, Comparison]) -> list[Section]:
    """Section with the synthetic images of several families side by side."""
    return [("images", "Images", image_gallery.side_by_side(comparisons))]


def _plane(comparison: Comparison) -> str:
    train, holdout, made = (_side(getattr(comparison, name)) for name in ("train", "holdout", "synthetic"))
    drawn = gallery("patients", figures.scatter(train, holdout, made, comparison.classes))
    return f'<p class="note">Each image by its pixels.</p>{drawn}'


def _side(cohort: Cohort) -> figures.Side:
    """Pixels of a cohort, thinned for the plane."""
    rows = np.arange(len(cohort))
    if len(rows) > figures.MOST_PATIENTS:
        rows = np.sort(np.random.default_rng(0).choice(len(rows), figures.MOST_PATIENTS, replace=False))
    pixels = cohort.x[rows].reshape(len(rows), -1).astype(np.float64)
    return figures.Side(pixels, cohort.y[rows], cohort.subjects[rows], len(cohort))
