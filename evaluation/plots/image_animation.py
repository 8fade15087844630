"""Images in motion: the steps of several ways side by side, as an animated PNG that needs no script."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from cohortsmith.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.data.cohort import Cohort

_GAP = 1  # pixels between two images, before scaling


def animation(ways: Sequence[Cohort], *, scale: int = 3, step: int = 180, rest: int = 1500) -> bytes:
    """Animated PNG: frame i shows image i of every way, from left to right; it goes on for ever.

    Args:
        ways: cohorts of as many images of one size.
        scale: pixels on the screen for one of the image, on a side.
        step: milliseconds a frame stands.
        rest: milliseconds the last one stands.

    Raises:
        DataError: no way, no images, or ways of different lengths.
    """
    if not ways or len({way.x.shape for way in ways}) != 1 or not ways[0].about.pictured or not len(ways[0]):
        raise DataError("an animation is made of ways with as many images each, of one size")
    frames = []
    for i in range(len(ways[0])):
        apart = [np.pad(way.x[i], ((0, 0), (0, _GAP), (0, 0)), constant_values=255) for way in ways]
        row = np.concatenate(apart, axis=1)[:, :-_GAP]
        image = Image.fromarray(row[..., 0] if row.shape[2] == 1 else row)
        frames.append(image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST))
    file = BytesIO()
    times = [step] * (len(frames) - 1) + [rest]
    frames[0].save(file, format="PNG", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return file.getvalue()
