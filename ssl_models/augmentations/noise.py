"""Random masks and values of other patients for pretexts, and checks of their settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from cohortsmith.data import DataError

if TYPE_CHECKING:
    from torch import Tensor


class Noise(Protocol):
    """Source of random numbers for b patients, such as `training.Batch`."""

    def rand(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), (b, *shape)."""
        ...

    def randint(self, high: int, *shape: int) -> Tensor:
        """Integers from 0 to high - 1, int64 (b, *shape)."""
        ...


@dataclass(frozen=True)
class Drawn:
    """Random numbers for patients x (b, ...) from a generator on their device."""

    x: Tensor
    generator: torch.Generator

    def rand(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), (b, *shape)."""
        return torch.rand((len(self.x), *shape), generator=self.generator, device=self.x.device)

    def randint(self, high: int, *shape: int) -> Tensor:
        """Integers from 0 to high - 1, int64 (b, *shape)."""
        return torch.randint(high, (len(self.x), *shape), generator=self.generator, device=self.x.device)


def masked_gene_count(genes: int, share: float) -> int:
    """Number of genes masked for this share; at least one."""
    return max(1, round(share * genes))


def mask_per_patient(noise: Noise, genes: int, share: float) -> Tensor:
    """Independent masks of patients, bool (b, genes), each true at `masked_gene_count` random genes."""
    uniform = noise.rand(genes)
    # Thresholding at the k-th smallest number costs a fifth of a permutation of 22,000 genes per patient.
    threshold = uniform.kthvalue(masked_gene_count(genes, share), dim=1, keepdim=True).values
    return uniform <= threshold


def other_rows(noise: Noise, n: int, *shape: int, device: torch.device) -> Tensor:
    """Row numbers (n, *shape) of random other patients; the patient itself if n is 1."""
    if n == 1:
        return torch.zeros((1, *shape), dtype=torch.int64, device=device)
    own = torch.arange(n, device=device).view(n, *[1] * len(shape))
    return (own + 1 + noise.randint(n - 1, *shape)) % n


def values_of_others(noise: Noise, x: Tensor) -> Tensor:
    """For each value of x (b, genes) the same gene's value in another random patient of the batch.

    This samples each gene's empirical marginal over the batch (Yoon et al. 2020, section 4; Bahri et al. 2022,
    algorithm 1).
    """
    return x.gather(0, other_rows(noise, len(x), x.shape[1], device=x.device))


def even_parts(x: Tensor, size: int) -> tuple[Tensor, ...]:
    """Patients (n, ...) in nearly equal parts of about `size`, to limit memory."""
    return x.tensor_split(max(1, round(len(x) / size)))


def require(holds: bool, name: str, expected: str, found: object) -> None:
    """Raise a DataError about an invalid setting."""
    if not holds:
        raise DataError(f"{name} must be {expected}; got {found!r}")


def require_others(batch_size: int) -> None:
    """Raise a DataError about a batch without other patients."""
    require(batch_size >= 2, "batch_size", "at least 2, since values or negatives come from other patients", batch_size)
