"""From images as read, of whatever format, to a checked `Cohort`: size, channels, classes, patients, splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.data.io.assembly import LABEL, SUBJECTS, check_sizes, class_positions, unique
from cohortsmith.data.io.covariates import tidy
from cohortsmith.data.kinds import grid
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 28  # pixels on a side
LESIONS = ("lesion", "lesion_id")  # several images of one lesion are one patient's, where no patient is named


@dataclass
class Pictures:
    """What a reader of images hands over.

    Attributes:
        source: file or folder name for messages and provenance.
        ids: image names.
        x: uint8 (n, height, width, channels), 1 or 3 channels.
        obs: label, subject, split and every covariate, one row an image, as far as there are any.
        label: column of `obs` that holds the class.
        subject: column of `obs` that the file itself records as the patient's.
        label_names: classes in the order of the file's numbers; empty where the file has none.
    """

    source: str
    ids: list[str]
    x: NDArray[np.uint8]
    obs: pd.DataFrame
    label: str = LABEL
    subject: str | None = None
    label_names: tuple[str, ...] = ()


def gather(
    pictures: Pictures, *, label: str | None = None, subject: str | None = None, part: bool = False, resized: str = ""
) -> Cohort:
    """Cohort of images; arguments as in `data.read_cohort`, `resized`: the size they came in, if another.

    Raises:
        DataError: no such column, a label missing, one class, one patient in a class, names that repeat.
    """
    source = pictures.source
    obs = tidy(pictures.obs)
    columns = [str(name) for name in obs.columns]
    wanted = label or pictures.label
    if wanted not in columns:
        raise DataError(
            f"{source} has no label {wanted!r}{near_misses(wanted, columns)}; it has {', '.join(columns)} (--label)"
        )
    missing = int(obs[wanted].isna().sum())
    if missing:
        raise DataError(f"{source}: label {wanted!r} is missing for {missing} of {len(obs)} images; leave them out")
    y, classes = class_positions(obs[wanted], wanted, source)
    by = _subject(pictures, columns, subject, wanted)
    ids = unique(pictures.ids, "image", source)
    subjects, orphans = _subjects(obs, by, ids)
    check_sizes(source, wanted, y, subjects, classes, part)
    obs = obs.drop(columns=[name for name in (wanted, by) if name is not None])
    obs.index = pd.Index(ids, dtype=object, name="sample_id")
    provenance: dict[str, Any] = {"source": source, "label": wanted, "subject": by}
    if pictures.label_names and wanted == pictures.label:
        provenance["label_names"] = list(pictures.label_names)
    if resized:
        provenance["resized"] = resized
    if orphans:
        provenance["without_subject"] = orphans
    return Cohort("image", pictures.x, y, classes, grid(pictures.x), subjects, obs, provenance)


def check_size(source: str, height: int, width: int, resize: int | None) -> bool:
    """Whether images of that size are to be resized.

    Raises:
        DataError: another size than 28 x 28, and not asked to resize; or to a size that is not learned.
    """
    if resize not in (None, SIZE):
        raise DataError(f"images are resized to {SIZE} only (--resize {SIZE}); got {resize}")
    if (height, width) == (SIZE, SIZE):
        return False
    if resize is None:
        raise DataError(
            f"{source} holds images of {height} x {width} pixels; {SIZE} x {SIZE} is expected: have them resized "
            f"(--resize {SIZE}, resize={SIZE}), or take the set of that size"
        )
    return True


def shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One image at 28 x 28: the largest square in its middle, through Pillow's bicubic filter; (h, w, c) both."""
    height, width, channels = image.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side])
    small = Image.fromarray(square if channels == 3 else square[..., 0])
    small = small.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(small, dtype=np.uint8).reshape(SIZE, SIZE, channels)


def _subject(pictures: Pictures, columns: list[str], subject: str | None, label: str) -> str | None:
    wanted = subject or pictures.subject
    if wanted is None:
        return next((c for name in (*SUBJECTS, *LESIONS) for c in columns if c.casefold() == name and c != label), None)
    if wanted == label:
        raise DataError(f"{pictures.source}: {wanted!r} is named as label and as subject; they must differ")
    if wanted not in columns:
        raise DataError(
            f"{pictures.source} has no subject {wanted!r}{near_misses(wanted, columns)}; it has {', '.join(columns)} "
            "(--subject)"
        )
    return wanted


def _subjects(obs: pd.DataFrame, subject: str | None, ids: list[str]) -> tuple[NDArray[np.str_], int]:
    own = np.asarray(ids, dtype=np.str_)
    if subject is None:
        return own, 0
    missing = obs[subject].isna().to_numpy()
    named = obs[subject].astype(str).to_numpy(dtype=np.str_)
    return np.where(missing, np.char.add("sample:", own), named), int(missing.sum())
