"""Simulated images of stained blood cells, whose classes differ in size, nuclear lobes, granules and colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.data.io import IMAGE_SIZE, LABEL, SAMPLE_ID
from cohortsmith.data.kinds import grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_BLOCK = 512  # images rendered at a time: 60 MB
_MOST_LOBES, _RED_CELLS = 5, 9


class CellLaw(NamedTuple):
    """Morphology of a class of cells; lengths in pixels (28 per side), fractions of the cell's radius, colours 0..255.

    Attributes:
        share: fraction of the cohort.
        radius: mean and standard deviation, pixels.
        wobble: deviation of the outline from a circle, fraction of the radius.
        lobes: probability of 1, 2, ... lobes of the nucleus.
        lobe: radius of one lobe, fraction of the cell's; smaller with more lobes.
        arc: distance of the lobes from the centre, fraction of the cell's radius.
        step: angle between neighbouring lobes, radians.
        off: largest offset of the nucleus from the centre of the cell, fraction of the radius.
        nucleus, cytoplasm, granule: colours (red, green, blue).
        granules: visibility of the granules, 0..1.
        over: how much of the nucleus the granules cover, 0..1.
    """

    share: float
    radius: tuple[float, float]
    wobble: float
    lobes: Sequence[float]
    lobe: float
    arc: float
    step: float
    off: float
    nucleus: tuple[int, int, int]
    cytoplasm: tuple[int, int, int]
    granule: tuple[int, int, int]
    granules: float
    over: float


# Sizes, colours and shares as measured on the peripheral blood cells of BloodMNIST (Acevedo et al., Data in Brief 30,
# 2020); lobes and granules as in haematology textbooks.
LAWS: dict[str, CellLaw] = {
    "basophil": CellLaw(
        0.07, (8.9, 0.7), 0.04, (0.5, 0.5), 0.72, 0.30, 2.4, 0.10,
        (92, 48, 138), (150, 95, 165), (62, 24, 112), 0.85, 0.75,
    ),
    "eosinophil": CellLaw(
        0.18, (9.0, 0.7), 0.04, (0.03, 0.80, 0.17), 0.46, 0.50, 2.0, 0.12,
        (88, 44, 138), (212, 140, 160), (178, 84, 112), 0.85, 0.05,
    ),
    "erythroblast": CellLaw(
        0.09, (5.8, 0.9), 0.06, (0.96, 0.04), 0.76, 0.03, 2.6, 0.18,
        (66, 34, 122), (140, 118, 172), (128, 100, 160), 0.15, 0.0,
    ),
    "immature_granulocyte": CellLaw(
        0.17, (9.1, 1.3), 0.06, (0.8, 0.2), 0.74, 0.18, 1.3, 0.22,
        (94, 48, 140), (160, 122, 182), (122, 74, 150), 0.55, 0.25,
    ),
    "lymphocyte": CellLaw(
        0.07, (7.1, 0.6), 0.05, (0.95, 0.05), 0.88, 0.04, 0.9, 0.08,
        (82, 40, 132), (142, 126, 188), (130, 100, 165), 0.08, 0.0,
    ),
    "monocyte": CellLaw(
        0.08, (9.4, 1.0), 0.10, (0.15, 0.45, 0.40), 0.54, 0.46, 1.20, 0.12,
        (98, 50, 144), (150, 132, 186), (132, 100, 166), 0.25, 0.0,
    ),
    "neutrophil": CellLaw(
        0.20, (8.5, 0.7), 0.05, (0.04, 0.14, 0.42, 0.30, 0.10), 0.37, 0.50, 1.25, 0.10,
        (82, 40, 136), (222, 178, 192), (188, 130, 166), 0.45, 0.0,
    ),
    "platelet": CellLaw(
        0.14, (3.5, 0.6), 0.10, (1.0,), 0.0, 0.0, 0.0, 0.0,
        (110, 60, 150), (178, 130, 178), (104, 52, 146), 0.8, 0.0,
    ),
}  # fmt: skip
PLAIN, BLUE = (254, 227, 201), (227, 219, 228)  # background of a typical and of a blue-stained slide
_RED_CELL = (214, 176, 173)


def simulate_cells(n: int, seed: int, *, classes: int = 8, blue: float = 0.03) -> Cohort:
    """Images of stained blood cells, 28 x 28 in colour, one per patient.

    A white cell with a wavy outline, a nucleus of lobes on an arc (a sum of round bumps, so that neighbours are joined
    by a bridge), granules as smoothed noise in the cytoplasm and over the nucleus, and red cells with pale centres
    around it; then slide illumination and camera noise. In every class a few per cent are blue-stained, a rare mode
    that a generator is likely to miss.

    Args:
        n: number of images.
        seed: of all random draws.
        classes: number of classes, the first of `LAWS`.
        blue: share of blue-stained images in each class; at least one image per class, unless 0.

    Returns:
        The cohort; `provenance["truth"]` holds `radius` (pixels), `lobes` (of the nucleus; 0 for platelets), `granules`
        (strength, 0..1) and `blue` (stain) of each image.

    Raises:
        DataError: too few images or classes, or an invalid share.
    """
    if not 2 <= classes <= len(LAWS) or n < 2 * classes:
        raise DataError(
            f"simulated cells need 2 to {len(LAWS)} classes and at least 2 images per class; "
            f"got {classes} classes, {n} images"
        )
    if not 0 <= blue < 1:
        raise DataError(f"the share of blue-stained images must be 0 or more and below 1; got {blue}")
    rng = np.random.default_rng(seed)
    names = tuple(LAWS)[:classes]
    y = rng.permutation(np.repeat(np.arange(classes), _sizes(n, [LAWS[name].share for name in names])))
    stained = np.zeros(n, dtype=bool)
    for c in range(classes):
        rows = np.flatnonzero(y == c)
        many = max(round(blue * len(rows)), 1) if blue else 0
        stained[rng.choice(rows, min(many, len(rows)), replace=False)] = True
    laws = [LAWS[name] for name in names]
    mean, spread = np.asarray([law.radius for law in laws], dtype=np.float32)[y].T
    radius = mean + spread * np.clip(rng.normal(size=n), -2.5, 2.5).astype(np.float32)
    lobes = np.asarray([rng.choice(len(laws[c].lobes), p=laws[c].lobes) + 1 for c in y])
    lobes[np.asarray([law.lobe == 0 for law in laws])[y]] = 0
    granules = np.asarray([law.granules for law in laws], dtype=np.float32)[y]
    granules = np.clip(granules * rng.uniform(0.7, 1.25, n), 0, 1).astype(np.float32)
    x = np.empty((n, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
    for start in range(0, n, _BLOCK):
        part = slice(start, start + _BLOCK)
        x[part] = _render([laws[c] for c in y[part]], radius[part], lobes[part], granules[part], stained[part], rng)
    ids = pd.Index([f"cell-{i:06d}" for i in range(n)], dtype=object, name=SAMPLE_ID)
    return Cohort(
        kind="image",
        x=x,
        y=y.astype(np.int64),
        classes=names,
        features=grid(x),
        subjects=np.asarray(ids, dtype=np.str_),
        obs=pd.DataFrame(index=ids),
        provenance={
            "source": "simulated",
            "label": LABEL,
            "seed": seed,
            "truth": {
                "radius": radius.astype(float).round(3).tolist(),
                "lobes": lobes.tolist(),
                "granules": granules.astype(float).round(3).tolist(),
                "blue": stained.tolist(),
            },
        },
    )


def _sizes(n: int, shares: list[float]) -> NDArray[np.int64]:
    """Images per class: by its share, at least two, n in total."""
    share = np.asarray(shares) / sum(shares)
    sizes: NDArray[np.int64] = 2 + np.floor((n - 2 * len(share)) * share).astype(np.int64)
    sizes[: n - sizes.sum()] += 1
    return sizes


def _render(
    laws: list[CellLaw], radius: Floats, lobes: NDArray[np.int64], granules: Floats, blue: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:  # fmt: skip
    """Images (m, 28, 28, 3) of m cells; every array below is (m, 28, 28) or broadcasts to it."""
    m = len(laws)
    column = {field: np.asarray([getattr(law, field) for law in laws], dtype=np.float32) for field in _NUMBERS}
    at = np.arange(IMAGE_SIZE, dtype=np.float32) - (IMAGE_SIZE - 1) / 2
    centre = rng.normal(0, 0.6, (m, 2)).astype(np.float32)
    dy, dx = at[None, :, None] - centre[:, 0, None, None], at[None, None, :] - centre[:, 1, None, None]
    cell = _outline(dy, dx, radius, column["wobble"], rng)
    nucleus = _nucleus(dy, dx, radius, lobes, column, rng) * cell
    dots = np.clip(0.5 + 0.45 * _grain(m, rng, 0.8), 0, 1) * granules[:, None, None]

    light = np.asarray(PLAIN, dtype=np.float32) + rng.normal(0, 1, (m, 1, 1, 3)).astype(np.float32)
    image = np.broadcast_to(light, (m, IMAGE_SIZE, IMAGE_SIZE, 3)).copy()
    _red_cells(image, radius, centre, at, rng)
    tone = rng.normal(0, 4.5, (m, 1, 1, 3)).astype(np.float32)  # of the slide's stain
    texture = 7 * _grain(m, rng, 0.9)[..., None]
    _lay(image, cell, column["cytoplasm"][:, None, None] + tone + texture, 0.93)
    _lay(image, cell * dots, column["granule"][:, None, None] + tone, 1.0)
    chromatin = 11 * _grain(m, rng, 0.8)[..., None]
    _lay(image, nucleus, column["nucleus"][:, None, None] + 0.7 * tone + chromatin, 0.97)
    _lay(image, nucleus * dots * column["over"][:, None, None], column["granule"][:, None, None] + 0.7 * tone, 1.0)
    image *= np.where(blue[:, None, None, None], np.divide(BLUE, PLAIN), 1.0).astype(np.float32)
    image[blue, :, :, 2] += 10 * cell[blue]  # the stain itself is bluer, not only the illumination
    image *= rng.normal(1, 0.012, (m, 1, 1, 1)).astype(np.float32)
    image += rng.normal(0, 1.5, image.shape).astype(np.float32)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


_NUMBERS = ("wobble", "lobe", "arc", "step", "off", "over", "nucleus", "cytoplasm", "granule")


def _outline(dy: Floats, dx: Floats, radius: Floats, wobble: Floats, rng: np.random.Generator) -> Floats:
    """Coverage of each pixel by the cell: a circle whose radius varies with two to five waves."""
    angle, distance = np.arctan2(dy, dx), np.hypot(dy, dx)
    waves = np.zeros_like(angle)
    for k in range(2, 6):
        size, phase = rng.normal(0, 1 / (k - 1), (len(dy), 1, 1)), rng.uniform(0, 2 * np.pi, (len(dy), 1, 1))
        waves += size.astype(np.float32) * np.cos(k * angle + phase.astype(np.float32))
    edge = radius[:, None, None] * (1 + wobble[:, None, None] * waves)
    return _covered(edge - distance)


def _nucleus(
    dy: Floats, dx: Floats, radius: Floats, lobes: NDArray[np.int64], column: dict[str, Floats],
    rng: np.random.Generator,
) -> Floats:  # fmt: skip
    """Coverage of each pixel by the nucleus: where the sum of bumps on an arc exceeds the value of one at its rim."""
    m = len(dy)
    turn, towards = rng.uniform(0, 2 * np.pi, m), rng.uniform(0, 2 * np.pi, m)
    off = radius * column["off"] * rng.random(m)
    size = radius * column["lobe"] * (1 - 0.08 * np.maximum(lobes - 2, 0)) * rng.normal(1, 0.05, m)
    total = np.zeros((m, IMAGE_SIZE, IMAGE_SIZE), dtype=np.float32)
    for k in range(_MOST_LOBES):
        there = lobes > k
        angle = turn + column["step"] * (k - (lobes - 1) / 2) + rng.normal(0, 0.12, m)
        reach = np.where(lobes > 1, radius * column["arc"] * rng.normal(1, 0.1, m), radius * 0.05)
        # The arc's middle is pulled towards the centre of the cell, so that the lobes surround it.
        pull = np.where(lobes > 1, radius * column["arc"] * np.sinc(column["step"] * lobes / 2 / np.pi), 0.0)
        cy = reach * np.sin(angle) - pull * np.sin(turn) + off * np.sin(towards)
        cx = reach * np.cos(angle) - pull * np.cos(turn) + off * np.cos(towards)
        own = np.maximum(size * rng.normal(1, 0.08, m), 0.6)
        stretch, tilt = rng.normal(0, 0.12, m), rng.uniform(0, np.pi, m)
        along, across = _turned(dy - _wide(cy), dx - _wide(cx), tilt)
        square = (along / _wide(own * (1 + stretch))) ** 2 + (across / _wide(own * (1 - stretch))) ** 2
        total += _wide(there) * np.exp(-2.5 * (square - 1))
    inside = (
        np.log(np.maximum(total, 1e-9)) / 5 * _wide(np.maximum(size, 1))
    )  # approximate distance from the rim, pixels
    return _covered(inside.astype(np.float32))


def _red_cells(image: Floats, radius: Floats, centre: Floats, at: Floats, rng: np.random.Generator) -> None:
    """Red cells around the white one, most with a pale centre; drawn into `image`."""
    m = len(image)
    crowd = rng.uniform(0.2, 0.95, m)
    colour = np.asarray(_RED_CELL, dtype=np.float32) + rng.normal(0, 7, (m, 1)).astype(np.float32)
    pale = rng.random(m) < 0.75  # on some smears the cells are dense, without pale centres
    for _ in range(_RED_CELLS):
        own = rng.normal(5.0, 0.4, m)
        angle, reach = rng.uniform(0, 2 * np.pi, m), radius + own + rng.exponential(2.5, m) - 0.3
        reach = np.where(radius < 6, np.maximum(reach, rng.uniform(8, 17, m)), reach)
        there = rng.random(m) < crowd
        v = at[None, :, None] - _wide(centre[:, 0] + reach * np.sin(angle))
        h = at[None, None, :] - _wide(centre[:, 1] + reach * np.cos(angle))
        stretch, tilt = rng.normal(0, 0.09, m), rng.uniform(0, np.pi, m)
        along, across = _turned(v, h, tilt)
        distance = np.hypot(along * _wide(1 + stretch), across * _wide(1 - stretch))
        middle = _wide(np.where(pale, rng.uniform(0.5, 1.0, m), 0.0)) * np.exp(-((distance / _wide(0.5 * own)) ** 2))
        _lay(image, _wide(there) * _covered(_wide(own) - distance) * (1 - middle), colour[:, None, None], 0.9)


def _turned(dy: Floats, dx: Floats, tilt: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Coordinates along and across a tilted axis."""
    sine, cosine = _wide(np.sin(tilt)), _wide(np.cos(tilt))
    return dy * sine + dx * cosine, dy * cosine - dx * sine


def _lay(image: Floats, cover: Floats, colour: Floats, strength: float) -> None:
    """Blend a colour into the image by `cover` (m, 28, 28), in place."""
    image += strength * cover[..., None] * (colour - image)


def _covered(depth: Floats) -> Floats:
    """Coverage of a pixel `depth` pixels inside a rim, blurred as by a lens."""
    share: Floats = np.clip(0.5 + depth / 1.3, 0, 1).astype(np.float32)
    return share


def _grain(m: int, rng: np.random.Generator, blur: float) -> Floats:
    """Noise (m, 28, 28) of mean 0 and standard deviation 1 with spatial correlation that grows with `blur`."""
    noise: Floats = rng.standard_normal((m, IMAGE_SIZE, IMAGE_SIZE), dtype=np.float32)
    for axis in (1, 2):
        noise += np.float32(blur / 2) * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    noise /= 1 + blur**2 / 2  # the standard deviation after two passes
    return noise


def _wide(values: NDArray[np.generic]) -> Floats:
    """Values (m,) as (m, 1, 1)."""
    wide: Floats = np.asarray(values, dtype=np.float32)[:, None, None]
    return wide
