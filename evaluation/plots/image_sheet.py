"""`sheet`: images of several cohorts on one PNG, one row per class; `strips`: one row per cohort."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.plots.image_tiles import some_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort

_PAPER, _INK, _MUTED = (255, 255, 255), (29, 36, 48), (102, 112, 128)
_GAP, _BETWEEN, _PAD = 2, 22, 12  # between images, between cohorts, around the whole; pixels
_FONT = 17
_LONGEST = 26  # letters of a name


def sheet(cohorts: Mapping[str, Cohort], each: int, *, scale: int = 2, seed: int = 0) -> bytes:
    """PNG with `each` images of every class from every cohort, drawn at random.

    Whoever gives a cohort of real patients gets their images on the sheet.

    Args:
        cohorts: image cohorts of one size by what to call them, from left to right, say real and then the families.
            Classes go by name, in the order of the first; what a cohort lacks stays empty.
        each: images of a class.
        scale: pixels on the sheet for one of the image, on a side.
        seed: of the draw.

    Raises:
        DataError: no cohort, one that holds no images, sizes that differ, or none to draw.
    """
    if not cohorts or each < 1 or scale < 1:
        raise DataError(
            f"a sheet needs a cohort, an image of each class and a scale of 1; got {len(cohorts)}, {each}, {scale}"
        )
    first = next(iter(cohorts.values()))
    for name, cohort in cohorts.items():
        if not cohort.about.pictured or cohort.x.shape[1:3] != first.x.shape[1:3]:
            raise DataError(f"a sheet shows images of one size; {name} is {cohort.kind} data of {cohort.features[0]}")
    height, width = (scale * side for side in first.x.shape[1:3])
    font = ImageFont.load_default(_FONT)
    rows, heads = [_short(name) for name in first.classes], [_short(name) for name in cohorts]
    left = _PAD + round(max(font.getlength(name) for name in rows)) + 16
    top = _PAD + _FONT + 12
    block = max(each * (width + _GAP) - _GAP, *(round(font.getlength(name)) for name in heads), 1)
    size = (
        left + len(cohorts) * (block + _BETWEEN) - _BETWEEN + _PAD,
        top + len(rows) * (height + _GAP) - _GAP + _PAD,
    )
    image = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(image)
    for row, name in enumerate(rows):
        pen.text((left - 16, top + row * (height + _GAP) + height / 2), name, _INK, font, anchor="rm")
    for column, (head, cohort) in enumerate(zip(heads, cohorts.values(), strict=True)):
        x = left + column * (block + _BETWEEN)
        pen.text((x, top - 10), head, _INK, font, anchor="ls")
        for row, label in enumerate(first.classes):
            y = top + row * (height + _GAP)
            mine = _drawn(cohort, label, each, seed)
            for i, pixels in enumerate(mine):
                picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
                at = (x + i * (width + _GAP), y)
                image.paste(picture.resize((width, height), Image.Resampling.NEAREST), at)
            if not len(mine):
                pen.text((x, y + height / 2), "none", _MUTED, font, anchor="lm")
    return _written(image)


def strips(cohorts: Mapping[str, Cohort], *, scale: int = 2) -> bytes:
    """PNG with one row per cohort, its images in the order they have: latent interpolations, say.

    Args:
        cohorts: image cohorts of one size by what to call them, from top to bottom.
        scale: pixels on the sheet for one of the image, on a side.

    Raises:
        DataError: no cohort, or one that holds no images.
    """
    if not cohorts or any(not cohort.about.pictured or not len(cohort) for cohort in cohorts.values()):
        raise DataError("strips are made of images; some were expected in every row")
    rows = [np.concatenate(list(cohort.x), axis=1) for cohort in cohorts.values()]
    font = ImageFont.load_default(_FONT)
    left = _PAD + round(max(font.getlength(_short(name)) for name in cohorts)) + 16
    height, width = rows[0].shape[0] * scale, max(row.shape[1] for row in rows) * scale
    image = Image.new("RGB", (left + width + _PAD, 2 * _PAD + len(rows) * (height + _GAP)), _PAPER)
    pen = ImageDraw.Draw(image)
    for place, (name, row) in enumerate(zip(cohorts, rows, strict=True)):
        y = _PAD + place * (height + _GAP)
        pen.text((left - 16, y + height / 2), _short(name), _INK, font, anchor="rm")
        picture = Image.fromarray(row[..., 0] if row.shape[2] == 1 else row)
        image.paste(picture.resize((row.shape[1] * scale, height), Image.Resampling.NEAREST), (left, y))
    return _written(image)


def _written(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def _drawn(cohort: Cohort, label: str, each: int, seed: int) -> NDArray[np.uint8]:
    if label not in cohort.classes:
        return cohort.x[:0]
    return cohort.x[some_of(cohort.y, cohort.classes.index(label), each, seed)]


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
