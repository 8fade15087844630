"""`AppearanceClusters`: clusters of images by colour (stain, lamp, scanner, skin), sampled by their share in train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

_LEVELS = (0.5, 0.85)  # quantiles of an image's pixels: its typical colour, and its background


@dataclass(frozen=True)
class AppearanceClusters:
    """Groups of images of one class and similar colour, which networks are conditioned on in place of the class.

    An appearance of a few images in a hundred is chosen by one draw with its share in train, and not left to a network
    that would have to reach it from a few of a hundred noise vectors: on blood smears, diffusion alone never generated
    the blue-stained slides. Conditioning on groups found in the data is self-conditioning (Liu et al. 2020, "Diverse
    image generation via self-conditioned GANs").

    Attributes:
        centres: (clusters, channels x quantiles) colour of each cluster, an average over at least `least` patients.
        of_class, of_look: (groups,) class and appearance cluster of each group.
        share: (groups,) share of the group in its class.
    """

    centres: NDArray[np.float32]
    of_class: NDArray[np.int64]
    of_look: NDArray[np.int64]
    share: NDArray[np.float64]

    @classmethod
    def fit(cls, cohort: Cohort, looks: int, least: int, rng: np.random.Generator) -> AppearanceClusters:
        """Find at most `looks` clusters by k-means on colour quantiles, and their shares in each class.

        A cluster of fewer than `least` patients is dropped; one that fewer than `least` patients of a class belong to
        is not used for that class. A class of fewer patients has the cluster that most of them are nearest to.
        """
        colours = colours_of(cohort.x)
        _, patient = np.unique(cohort.subjects, return_inverse=True)
        wanted = max(1, min(looks, len(colours) // least))
        scale = max(float(colours.std()), 1e-6)
        with threadpool_limits(1):
            found = KMeans(wanted, n_init=4, random_state=int(rng.integers(2**31))).fit(colours / scale).labels_
        kept = [cluster for cluster in range(wanted) if len(np.unique(patient[found == cluster])) >= least]
        if not kept:
            kept, found = [0], np.zeros(len(colours), dtype=np.int64)
        centres = np.stack([colours[found == cluster].mean(0) for cluster in kept]).astype(np.float32)
        nearest = _nearest(colours, centres)
        groups: list[tuple[int, int, float]] = []
        for label in np.unique(cohort.y):
            own = cohort.y == label
            patients = [len(np.unique(patient[own & (nearest == cluster)])) for cluster in range(len(centres))]
            allowed = [cluster for cluster, count in enumerate(patients) if count >= least] or [
                int(np.argmax(patients))
            ]
            place = _nearest(colours[own], centres[allowed])
            groups += [(int(label), cluster, float((place == i).mean())) for i, cluster in enumerate(allowed)]
        return cls(
            centres,
            np.array([label for label, _, _ in groups], dtype=np.int64),
            np.array([cluster for _, cluster, _ in groups], dtype=np.int64),
            np.array([share for _, _, share in groups]),
        )

    def __len__(self) -> int:
        return len(self.share)

    def groups(self, cohort: Cohort) -> NDArray[np.int64]:
        """Group (n,) of each image: the nearest cluster among its class's."""
        colours, y = colours_of(cohort.x), cohort.y
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
        """Arrays to save, by name."""
        return {f"stains.{name}": getattr(self, name) for name in ("centres", "of_class", "of_look", "share")}

    @classmethod
    def restore(cls, tensors: dict[str, NDArray[Any]]) -> AppearanceClusters:
        """Restore what `tensors` returned; a missing array is a KeyError."""
        return cls(*(tensors[f"stains.{name}"] for name in ("centres", "of_class", "of_look", "share")))


def colours_of(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Quantiles of each channel of images (n, h, w, c): (n, 2 c)."""
    pixels = x.reshape(len(x), -1, x.shape[-1])
    return np.concatenate(np.quantile(pixels, _LEVELS, axis=1), axis=1).astype(np.float32)


def _nearest(colours: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    distance = ((colours[:, None] - centres) ** 2).sum(2)
    nearest: NDArray[np.int64] = distance.argmin(1)
    return nearest
