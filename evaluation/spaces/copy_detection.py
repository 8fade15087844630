"""`CopyDetector`: features of images in which altered versions of one image are near, and other images far.

Trained on altered versions of a cohort's own images: directions of the greatest variance between images relative to
that between versions of one image (linear discriminant analysis, Fisher 1936; as the descriptors of image copy
detection, Pizzi et al. 2022, A self-supervised descriptor for image copy detection, CVPR, without a network).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import eigh
from sklearn.decomposition import PCA

from cohortsmith.evaluation.spaces.polar_images import AS_IT_IS, Pose, invariants, on_rings, reduced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.evaluation.core import Images, Matrix

LEARNED_FROM = 300  # images that are altered
VERSIONS = 10  # of each, beside itself
COMPONENTS = 150
KEPT = 60
RIDGE = 0.02
PART = 30  # images altered by one zoom and shift
BLOCK = 128

ZOOMS: Final = (0.8, 0.89, 1.0, 1.12, 1.25)
SPACING = 1.5  # pixels between shifts, of an image of 28
LARGE = 1500  # images above which attacked ones are looked at in fewer poses


def _poses(*rings: tuple[float, int]) -> tuple[Pose, ...]:
    """Poses at every zoom, at shifts on rings given as (radius, shifts)."""
    return tuple(
        Pose(zoom, float(radius * np.sin(2 * np.pi * k / count)), float(radius * np.cos(2 * np.pi * k / count)))
        for zoom in ZOOMS
        for radius, count in rings
        for k in range(count)
    )


POSES: Final = _poses((0.0, 1), (SPACING, 6), (2 * SPACING, 12))
"""Zooms and shifts in which an image is looked at; turns and mirror images need none."""

FEW_POSES: Final = _poses((0.0, 1), (SPACING, 6))
"""The same with smaller shifts, for large cohorts."""

BETWEEN_POSES: Final = (0.06, 0.8)
"""Zoom (log) and shift (pixels) that are left over between neighbouring `POSES`."""

ANY_POSE: Final = (0.22, 2.5)


class CopyDetector:
    """Descriptors of images, alike for an image and its turned, mirrored, recoloured, blurred or noisy versions.

    Args:
        x: images that it learns from, uint8 (n, height, width, channels); at most 300 of them are used.
        rng: random generator.
        tolerance: zoom (log) and shift (pixels of an image of 28) up to which versions differ.
    """

    def __init__(self, x: Images, rng: np.random.Generator, tolerance: tuple[float, float] = ANY_POSE) -> None:
        x = x[rng.permutation(len(x))[:LEARNED_FROM]]
        seen = np.stack([_described(x)] + [_versions(x, rng, tolerance) for _ in range(VERSIONS)])
        flat = seen.reshape(-1, seen.shape[2])
        components = max(1, min(COMPONENTS, len(x) // 2, flat.shape[1]))
        location = flat.mean(axis=0)
        pca = PCA(components, svd_solver="randomized", random_state=0).fit(flat[::3] - location)
        directions = pca.components_.T @ _discriminants((flat - location) @ pca.components_.T, len(x))
        self._directions = directions.astype(np.float32)
        self._middle = location @ self._directions

    def __call__(self, x: Images, pose: Pose = AS_IT_IS) -> Matrix:
        """Descriptors of images in a pose, (n, d)."""
        return self.of_planes(reduced(x), pose)

    def of_planes(self, planes: Matrix, pose: Pose = AS_IT_IS) -> Matrix:
        """The same of images reduced already."""
        out = np.empty((len(planes), self._directions.shape[1]), dtype=np.float32)
        for start in range(0, len(planes), BLOCK):
            part = slice(start, start + BLOCK)
            out[part] = invariants(on_rings(planes[part], pose)) @ self._directions - self._middle
        return out

    def views(self, x: Images, poses: Sequence[Pose] = POSES) -> Matrix:
        """Descriptors in every pose, (poses * n, d)."""
        planes = reduced(x)
        return np.concatenate([self.of_planes(planes, pose) for pose in poses])


def poses_for(n: int) -> tuple[Pose, ...]:
    """Poses in which n images can be looked at within a minute."""
    return POSES if n <= LARGE else FEW_POSES


def _described(x: Images) -> Matrix:
    return invariants(on_rings(reduced(x)))


def _versions(x: Images, rng: np.random.Generator, tolerance: tuple[float, float]) -> Matrix:
    """Invariants of altered images, (n, d): noise, gain and offset of each channel, blur, zoom and shift."""
    each = (len(x), 1, 1)
    noisy = x + rng.standard_normal(x.shape, dtype=np.float32) * rng.uniform(0, 10, (*each, 1)).astype(np.float32)
    gain, offset = rng.uniform(0.8, 1.15, (*each, x.shape[3])), rng.uniform(-12, 12, (*each, x.shape[3]))
    noisy = (noisy * gain + offset).astype(np.float32)
    blurred = rng.random(len(x)) < 0.3
    noisy[blurred] = _smoothed(noisy[blurred])
    planes = reduced(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    order = rng.permutation(len(x))
    parts = []
    for start in range(0, len(x), PART):
        zoom, (down, across) = rng.uniform(-tolerance[0], tolerance[0]), rng.uniform(-tolerance[1], tolerance[1], 2)
        pose = Pose(float(np.exp(zoom)), float(down), float(across))
        parts.append(invariants(on_rings(planes[order[start : start + PART]], pose)))
    return np.concatenate(parts)[np.argsort(order)]


def _smoothed(x: Matrix) -> Matrix:
    """Images smoothed over three pixels each way, by weights 1, 2, 1."""
    for axis in (1, 2):
        padded = np.pad(x, [(1, 1) if side == axis else (0, 0) for side in range(4)], mode="edge")
        before, after = (np.take(padded, range(first, first + x.shape[axis]), axis) for first in (0, 2))
        x = ((before + 2 * x + after) / 4).astype(np.float32)
    return x


def _discriminants(z: Matrix, images: int) -> Matrix:
    """Directions of most variance between images relative to that within one, (components, kept); variance 1 within.

    Args:
        z: (versions * images, components), version by version.
        images: number of images.
    """
    seen = z.reshape(-1, images, z.shape[1]).astype(np.float64)
    mean = seen.mean(axis=0)
    off = (seen - mean).reshape(-1, z.shape[1])
    within = off.T @ off / max(1, len(off) - images)
    within += np.eye(len(within)) * (RIDGE * np.trace(within) / len(within) + 1e-9)
    between = (mean - mean.mean(axis=0)).T @ (mean - mean.mean(axis=0)) / images
    _, directions = eigh(between, within)
    return np.asarray(directions[:, ::-1][:, :KEPT], dtype=np.float32)
