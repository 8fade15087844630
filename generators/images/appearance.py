"""`AppearanceClusters`: how a class can look (staining, lamp, scanner, skin); rare looks are drawn by their share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

_LEVELS = (0.5, 0.85)  # quantiles of a picture's pixels: what most of it looks like, and its background


@dataclass(frozen=True)
class AppearanceClusters:
    """Groups of images of one class and like colour, which networks are told in place of the class.

    A look that a few in a hundred images have is decided in one draw by its share in train, and not by a network that
    must hit it with a few of a hundred noises: on blood smears, diffusion alone never made the blue-stained slides.
    Telling groups found in the data to a generator is self-conditioning (Liu et al. 2020, "Diverse image generation
    via self-conditioned GANs").

    Attributes:
        centres: (looks, channels x quantiles) colour of each look, an average over at least `least` patients.
        of_class, of_look: (groups,) class and look of each group.
        share: (groups,) share of the group in its class.
    """

    centres: NDArray[np.float32]
    of_class: NDArray[np.int64]
    of_look: NDArray[np.int64]
    share: NDArray[np.float64]

    @classmethod
    def fit(cls, cohort: Cohort, looks: int, least: int, rng: np.random.Generator) -> AppearanceClusters:
        """Find at most so many looks by k-means on colour quantiles, and count them in each class.

        A look that fewer than `least` patients have is nobody's; one that fewer than `least` of a class have is not
        that class's. A class of fewer patients has the look that most of them are nearest to.
        """
        colours = colours_of(cohort.x)
        _, patient = np.unique(cohort.subjects, return_inverse=True)
        wanted = max(1, min(looks, len(colours) // least))
        scale = max(float(colours.std()), 1e-6)
        with threadpool_limits(1):
            found = KMeans(wanted, n_init=4, random_state=int(rng.integers(2**31))).fit(colours / scale).labels_
        kept = [look for look in range(wanted) if len(np.unique(patient[found == look])) >= least]
        if not kept:
            kept, found = [0], np.zeros(len(colours), dtype=np.int64)
        centres = np.stack([colours[found == look].mean(0) for look in kept]).astype(np.float32)
        nearest = _nearest(colours, centres)
        groups: list[tuple[int, int, float]] = []
        for label in np.unique(cohort.y):
            own = cohort.y == label
            patients = [len(np.unique(patient[own & (nearest == look)])) for look in range(len(centres))]
            allowed = [look for look, count in enumerate(patients) if count >= least] or [int(np.argmax(patients))]
            place = _nearest(colours[own], centres[allowed])
            groups += [(int(label), look, float((place == i).mean())) for i, look in enumerate(allowed)]
        return cls(
            centres,
            np.array([label for label, _, _ in groups], dtype=np.int64),
            np.array([look for _, look, _ in groups], dtype=np.int64),
            np.array([share for _, _, share in groups]),
        )

    def __len__(self) -> int:
        return len(self.share)

    def groups(self, x: NDArray[np.uint8], y: NDArray[np.int64]) -> NDArray[np.int64]:
        """Group (n,) of images (n, h, w, c) of classes y (n,): the nearest look among its class's."""
        colours = colours_of(x)
        found = np.zeros(len(y), dtype=np.int64)
        for label in np.unique(y):
            rows, own = np.flatnonzero(y == label), np.flatnonzero(self.of_class == label)
            found[rows] = own[_nearest(colours[rows], self.centres[self.of_look[own]])]
        return found

    def draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Groups (n,) drawn for classes y (n,) by their shares in train."""
        found = np.zeros(len(y), dtype=np.int64)
        for label in np.unique(y):
            rows, own = np.flatnonzero(y == label), np.flatnonzero(self.of_class == label)
            found[rows] = rng.choice(own, size=len(rows), p=self.share[own] / self.share[own].sum())
        return found

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What to save."""
        return {f"stains.{name}": getattr(self, name) for name in ("centres", "of_class", "of_look", "share")}

    @classmethod
    def restore(cls, tensors: dict[str, NDArray[Any]]) -> AppearanceClusters:
        """Take back what `tensors` gave; a missing one is a KeyError."""
        return cls(*(tensors[f"stains.{name}"] for name in ("centres", "of_class", "of_look", "share")))


def colours_of(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Quantiles of each channel of images (n, h, w, c): (n, 2 c)."""
    pixels = x.reshape(len(x), -1, x.shape[-1])
    return np.concatenate(np.quantile(pixels, _LEVELS, axis=1), axis=1).astype(np.float32)


def _nearest(colours: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    distance = ((colours[:, None] - centres) ** 2).sum(2)
    nearest: NDArray[np.int64] = distance.argmin(1)
    return nearest
