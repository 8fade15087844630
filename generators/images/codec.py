"""`ImageCodec`: pixels 0..255 as standardised channels, and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

from cohortsmith.data import DataError
from cohortsmith.data.kinds import IMAGE, require_kind
from cohortsmith.generators.images.appearance import AppearanceClusters
from cohortsmith.generators.images.symmetries import Symmetry, Turned, symmetry_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort


class Channels(NamedTuple):
    """Mean and standard deviation of each channel (or gene) over train, (channels,)."""

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]


@dataclass
class ImageCodec:
    """Channels of zero mean and unit variance over train.

    Attributes:
        symmetries: how images are flipped and turned in training: `none`, `mirror` (left and right), `square` (mirrors
            and quarter turns), or `auto`, the largest symmetry that cannot be detected in train (`symmetry_of`).
        looks: most appearance clusters (stain, lamp, scanner) that images are divided into (`AppearanceClusters`); 1
            conditions on the class alone.
        min_look: fewest patients of an appearance cluster.
    """

    calibration_patients: ClassVar[int] = 32  # for the collapse alarm only
    gaussian: ClassVar[bool] = False
    symmetries: Literal["auto", "none", "mirror", "square"] = "auto"
    looks: int = 8
    min_look: int = 20
    strata: AppearanceClusters | None = field(default=None, init=False, repr=False)
    symmetry: Symmetry = field(default="none", init=False, repr=False)
    _shape: tuple[int, ...] = field(default=(), init=False, repr=False)
    _channels: Channels = field(init=False, repr=False)

    def narrowed(self, cohort: Cohort) -> Cohort:
        """The cohort as it is: the names of pixels reveal nothing."""
        return cohort

    def fit_encode(self, cohort: Cohort, rng: np.random.Generator) -> NDArray[np.float32]:
        """Learn channels, appearance clusters and symmetries; return codes (n, channels, 28, 28).

        Raises:
            DataError: no images, or all of one colour.
        """
        require_kind(cohort.kind, IMAGE, "images are expected")
        pixels = cohort.x.reshape(-1, cohort.x.shape[-1])
        self._shape = (cohort.x.shape[-1], *cohort.x.shape[1:3])
        mean, spread = pixels.mean(0, dtype=np.float64), pixels.std(0, dtype=np.float64)
        if not spread.all():
            raise DataError("a channel has the same value in every pixel of every image: there is nothing to learn")
        self._channels = Channels(mean.astype(np.float32), spread.astype(np.float32))
        self.symmetry = symmetry_of(cohort.x, rng) if self.symmetries == "auto" else self.symmetries
        self.strata = AppearanceClusters.fit(cohort, self.looks, self.min_look, rng)
        return self.encode(cohort, rng)

    def encode(self, cohort: Cohort, rng: np.random.Generator) -> NDArray[np.float32]:
        """Codes (n, channels, 28, 28) of any images."""
        codes: NDArray[np.float32] = (cohort.x - self._channels.mean) / self._channels.spread
        return codes.transpose(0, 3, 1, 2)

    def evidence(self, cohort: Cohort, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """None: two numbers a channel."""
        return {}

    @property
    def views(self) -> Turned | None:
        """Random symmetries that training applies to a batch, if any."""
        return None if self.symmetry == "none" else Turned(self.symmetry)

    @property
    def parents(self) -> tuple[int, ...]:
        """Class of each group that the networks are conditioned on."""
        return () if self.strata is None else tuple(self.strata.of_class.tolist())

    @property
    def code_shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return self._shape

    def decode(self, codes: NDArray[np.float32], y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Pixels (n, height, width, channels), rounded and within 0..255."""
        del y, rng
        values = codes.transpose(0, 2, 3, 1) * self._channels.spread + self._channels.mean
        return np.ascontiguousarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))

    def calibrate(self, codes: NDArray[np.float32], y: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Nothing to correct."""

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Channels and appearance clusters."""
        clusters = self.strata.tensors() if self.strata else {}
        return self._channels._asdict() | clusters, {"shape": list(self._shape), "symmetry": self.symmetry}

    def restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> Self:
        """Take back what `state` gave; a missing tensor or value is a KeyError."""
        self._channels = Channels(tensors["mean"], tensors["spread"])
        self.strata = AppearanceClusters.restore(tensors) if "stains.share" in tensors else None
        self._shape, self.symmetry = tuple(values["shape"]), values["symmetry"]
        return self
