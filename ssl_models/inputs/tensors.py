"""`Inputs`: converts patients of one data kind to the tensor that a network takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from cohortsmith.data import Cohort, DataError, to_log
from cohortsmith.data.kinds import EXPRESSION, IMAGE, SEQUENCE
from cohortsmith.data.nucleotides import SYMBOLS
from cohortsmith.ssl_models.inputs.pixels import channels_first

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from cohortsmith.data import Kind, Scale

_LEAST_SPREAD = 0.1  # fraction of the median: genes that hardly vary are not scaled up further


@dataclass(frozen=True, eq=False)
class Inputs:
    """Normalisation of a network's inputs, fitted on the first cohort; it holds statistics only, no patient's values.

    Attributes:
        kind: data kind.
        features: names of the genes, the columns, or the pixel grid.
        shape: of one patient's input: (genes,), (channels, height, width) or (columns,).
        scale: of the cohort's values; only meaningful for expression.
        tensors: `mean` and `spread` (standard deviation), float32, of each gene's log2 values or each channel's pixels;
            for sequences `consensus`, the most frequent code of each column. A constant gene has an infinite spread, so
            that it is 0 in every patient.
    """

    kind: Kind
    features: tuple[str, ...]
    shape: tuple[int, ...]
    scale: Scale
    tensors: Mapping[str, NDArray[Any]]

    @classmethod
    def fit(cls, cohort: Cohort) -> Self:
        """Fit inputs to a cohort.

        Raises:
            DataError: the cohort is empty, or its images are too small.
        """
        if not len(cohort):
            raise DataError("a classifier needs training patients; the cohort is empty")
        shape = cohort.x.shape[1:]
        if cohort.kind == IMAGE:
            shape = (shape[2], *shape[:2])
            tensors = _channels(channels_first(cohort.x))
        elif cohort.kind == EXPRESSION:
            tensors = _genes(to_log(cohort.x, cohort.scale))
        else:
            counts = np.stack([(cohort.x == code).sum(axis=0) for code in range(SYMBOLS)])
            tensors = {"consensus": counts.argmax(axis=0).astype(np.uint8)}
        return cls(cohort.kind, cohort.features, shape, cohort.scale, tensors)

    @property
    def dtype(self) -> type[np.generic]:
        """Type of the values of `tensor`."""
        return np.float32 if self.kind == EXPRESSION else np.uint8

    def tensor(self, given: Cohort | NDArray[Any]) -> Tensor:
        """Inputs (n, *shape) of patients: expression float32, z-scored log2; images uint8; sequences uint8 codes.

        Args:
            given: a cohort, or its `x`.

        Raises:
            DataError: patients with another data kind, scale or features.
        """
        x = given.x if isinstance(given, Cohort) else given
        if isinstance(given, Cohort):
            self._refuse_other(given)
        if self.kind == IMAGE:
            images = channels_first(x)
            if images.shape[1:] != self.shape:
                raise DataError(
                    f"expected images (n, {_axes(self.shape)}) as in training; got {_axes(images.shape[1:])}"
                )
            return images
        if x.ndim != 2 or x.shape[1:] != self.shape or (self.kind == SEQUENCE) != (x.dtype == np.uint8):
            raise DataError(
                f"expected {self.kind} data with {self.shape[0]} values per patient as in training; got {x.dtype} "
                f"of shape {x.shape}"
            )
        if self.kind == EXPRESSION:
            x = (to_log(x, self.scale) - self.tensors["mean"]) / self.tensors["spread"]
        return torch.from_numpy(np.ascontiguousarray(x))

    def _refuse_other(self, cohort: Cohort) -> None:
        for what, trained, found in (
            ("data of kind", self.kind, cohort.kind),
            ("values of scale", self.scale, cohort.scale),
        ):
            if trained != found and (what == "data of kind" or self.kind == EXPRESSION):
                raise DataError(f"expected {what} {trained!r} as in training; this cohort has {found!r}")
        if cohort.features != self.features:
            both = zip(self.features, cohort.features, strict=False)
            differing = next((f"{b!r} in place of {a!r}" for a, b in both if a != b), "the number differs")
            raise DataError(
                f"expected the same {len(self.features)} features in the same order as in training; got "
                f"{len(cohort.features)}, different or reordered ({differing})"
            )


def _genes(z: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Mean and standard deviation of each gene of log2 values (n, genes)."""
    mean, spread = z.mean(axis=0, dtype=np.float64), z.std(axis=0, dtype=np.float64)
    still = spread < 1e-6
    floor = _LEAST_SPREAD * np.median(spread[~still]) if not still.all() else 1.0
    spread = np.where(still, np.inf, np.maximum(spread, floor))
    return {"mean": mean.astype(np.float32), "spread": spread.astype(np.float32)}


def _channels(images: Tensor) -> dict[str, NDArray[Any]]:
    """Mean and standard deviation of each channel of uint8 images (n, channels, height, width)."""
    values = images.transpose(0, 1).flatten(1)
    counts = torch.stack([torch.bincount(channel.int(), minlength=256) for channel in values]).double()
    shares, levels = counts / counts.sum(1, keepdim=True), torch.arange(256, dtype=torch.float64)
    mean = shares @ levels
    spread = (shares @ levels**2 - mean**2).clamp(min=1.0).sqrt()  # also for constant images
    return {"mean": mean.float().numpy(), "spread": spread.float().numpy()}


def _axes(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    return f"{height} x {width} x {channels}"
