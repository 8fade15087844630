"""From parsed images of any format to a validated `Cohort`: size, channels, classes, patients, splits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.data.io.assembly import (
    check_sizes,
    class_positions,
    subject_among,
    subjects_of_samples,
    unique_names,
)
from cohortsmith.data.io.column_names import LABEL, NO_LABEL, ONE_CLASS, SAMPLE_ID
from cohortsmith.data.io.covariates import tidy
from cohortsmith.data.io.oddities import odd_classes
from cohortsmith.data.kinds import grid
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from numpy.typing import NDArray

IMAGE_SIZE = 28  # pixels per side
LESIONS = ("lesion", "lesion_id")  # images of one lesion belong to one patient, where no patient is named


@dataclass
class Pictures:
    """Parsed images, as a reader returns them.

    Attributes:
        source: file or folder name for messages and provenance.
        ids: image names.
        x: uint8 (n, height, width, channels), 1 or 3 channels.
        obs: label, subject, split and covariates, where present, one row per image.
        label: column of `obs` that holds the class.
        subject: column of `obs` recorded in the file as the patient's.
        label_names: classes in the order of the file's numbers; empty where the file has none.
        warnings: what a person should know of how the file was read, a line each.
    """

    source: str
    ids: list[str]
    x: NDArray[np.uint8]
    obs: pd.DataFrame
    label: str = LABEL
    subject: str | None = None
    label_names: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)


def gather(
    pictures: Pictures, *, label: str | None = None, subject: str | None = None, part: bool = False, resized: str = ""
) -> Cohort:
    """Cohort of images; arguments as in `data.read_cohort`, `resized`: their original size, if different.

    Raises:
        DataError: missing column, missing label, a single class, a class with one patient, repeated names.
    """
    source = pictures.source
    obs = tidy(pictures.obs)
    columns = [str(name) for name in obs.columns]
    wanted = label or pictures.label
    if label == NO_LABEL and label not in columns:
        obs[wanted := LABEL] = ONE_CLASS
    if wanted not in [*columns, *obs.columns]:
        raise DataError(
            f"{source} has no label {wanted!r}{near_misses(wanted, columns)}; it has {', '.join(columns)} (--label)"
        )
    missing = int(obs[wanted].isna().sum())
    if missing:
        raise DataError(f"{source}: label {wanted!r} is missing for {missing} of {len(obs)} images; remove them")
    y, classes = class_positions(obs[wanted], wanted, source)
    by = _subject(pictures, columns, subject, wanted)
    ids = unique_names(pictures.ids, "image", source)
    subjects, orphans = subjects_of_samples(obs, by, ids)
    single = check_sizes(source, wanted, y, subjects, classes, part)
    obs = obs.drop(columns=[name for name in (wanted, by) if name is not None])
    obs.index = pd.Index(ids, dtype=object, name=SAMPLE_ID)
    provenance: dict[str, Any] = {"source": source, "label": wanted, "subject": by}
    if pictures.label_names and wanted == pictures.label:
        provenance["label_names"] = list(pictures.label_names)
    if resized:
        provenance["resized"] = resized
    if orphans:
        provenance["without_subject"] = orphans
    if told := [*pictures.warnings, *single, *odd_classes(classes, wanted, source)]:
        provenance["warnings"] = tuple(told)
    return Cohort("image", pictures.x, y, classes, grid(pictures.x), subjects, obs, provenance)


def check_size(source: str, height: int, width: int, resize: int | None) -> bool:
    """Whether images of that size need resizing.

    Raises:
        DataError: a size other than 28 x 28 without a request to resize; or a request for another size.
    """
    if resize not in (None, IMAGE_SIZE):
        raise DataError(f"images can only be resized to {IMAGE_SIZE} (--resize {IMAGE_SIZE}); got {resize}")
    if (height, width) == (IMAGE_SIZE, IMAGE_SIZE):
        return False
    if resize is None:
        raise DataError(
            f"{source} holds images of {height} x {width} pixels; {IMAGE_SIZE} x {IMAGE_SIZE} is expected: resize them "
            f"(--resize {IMAGE_SIZE}, resize={IMAGE_SIZE}), or use the data set of that size"
        )
    return True


def cropped(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Largest central square of an image (height, width, channels), resized to 28 x 28 by Pillow's bicubic filter."""
    height, width, channels = image.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side])
    small = Image.fromarray(square if channels == 3 else square[..., 0])
    small = small.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC)
    return np.asarray(small, dtype=np.uint8).reshape(IMAGE_SIZE, IMAGE_SIZE, channels)


def _subject(pictures: Pictures, columns: list[str], subject: str | None, label: str) -> str | None:
    wanted = subject or pictures.subject
    if wanted is None:
        return subject_among(columns, label, LESIONS)
    if wanted == label:
        raise DataError(f"{pictures.source}: {wanted!r} is named as both label and subject; they must differ")
    if wanted not in columns:
        raise DataError(
            f"{pictures.source} has no subject {wanted!r}{near_misses(wanted, columns)}; it has {', '.join(columns)} "
            "(--subject)"
        )
    return wanted
