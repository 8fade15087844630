"""Random numbers behind pretexts: masks, values of other patients; and what settings of them may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from cohortsmith.data import DataError

if TYPE_CHECKING:
    from torch import Tensor


class Noise(Protocol):
    """Random numbers for b patients; `training.Batch` is one."""

    def rand(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), (b, *shape)."""
        ...

    def randint(self, high: int, *shape: int) -> Tensor:
        """Whole numbers from 0 to high - 1, int64 (b, *shape)."""
        ...


@dataclass(frozen=True)
class Drawn:
    """Random numbers for the patients x (b, ...) out of one generator, on their device."""

    x: Tensor
    generator: torch.Generator

    def rand(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), (b, *shape)."""
        return torch.rand((len(self.x), *shape), generator=self.generator, device=self.x.device)

    def randint(self, high: int, *shape: int) -> Tensor:
        """Whole numbers from 0 to high - 1, int64 (b, *shape)."""
        return torch.randint(high, (len(self.x), *shape), generator=self.generator, device=self.x.device)


def genes_hidden(genes: int, share: float) -> int:
    """Number of genes that a mask of this share hides; at least one."""
    return max(1, round(share * genes))


def mask_each(noise: Noise, genes: int, share: float) -> Tensor:
    """Mask of each patient on its own, bool (b, genes), true at `genes_hidden` genes drawn at random."""
    uniform = noise.rand(genes)
    # The k-th smallest number as a threshold costs a fifth of a permutation of 22 000 genes a patient.
    threshold = uniform.kthvalue(genes_hidden(genes, share), dim=1, keepdim=True).values
    return uniform <= threshold


def another(noise: Noise, n: int, *shape: int, device: torch.device) -> Tensor:
    """Row numbers (n, *shape), each that of a patient other than the row's own; its own where n is 1."""
    if n == 1:
        return torch.zeros((1, *shape), dtype=torch.int64, device=device)
    own = torch.arange(n, device=device).view(n, *[1] * len(shape))
    return (own + 1 + noise.randint(n - 1, *shape)) % n


def values_of_others(noise: Noise, x: Tensor) -> Tensor:
    """For each value of x (b, genes) the same gene's value in another patient of the batch, drawn anew for each gene.

    This is a draw from each gene's empirical marginal (Yoon et al. 2020, section 4; Bahri et al. 2022, algorithm 1),
    taken over the batch.
    """
    return x.gather(0, another(noise, len(x), x.shape[1], device=x.device))


def evenly(x: Tensor, size: int) -> tuple[Tensor, ...]:
    """Patients (n, ...) in parts of about `size`, all nearly alike: 22 000 genes of everybody are too wide at once."""
    return x.tensor_split(max(1, round(len(x) / size)))


def require(holds: bool, name: str, expected: str, came: object) -> None:
    """Raise a DataError about a setting that cannot be."""
    if not holds:
        raise DataError(f"{name} must be {expected}; got {came!r}")


def require_others(batch_size: int) -> None:
    """Raise a DataError about a batch that holds nobody else."""
    require(batch_size >= 2, "batch_size", "at least 2, since values or negatives come from other patients", batch_size)
