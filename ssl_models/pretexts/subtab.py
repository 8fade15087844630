"""SubTab: reconstructs a patient from subsets of its genes (Ucar et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.nn import functional as F

from cohortsmith.ssl_models.augmentations import even_parts, require, require_others
from cohortsmith.ssl_models.pretexts.base import BACKBONE, Pretext
from cohortsmith.ssl_models.pretexts.corrupted_genes import info_nce

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.training import Batch

_DECODER, _PROJECTOR = "decoder", "projector"


def deal(order: Tensor, subsets: int, overlap: float) -> Tensor:
    """Overlapping subsets of genes, bool (subsets, genes).

    The genes in the given order are divided into equal runs; each run but the first also includes the last genes of the
    previous run, and the first includes the first genes of the next: `overlap` times a run's length, as in the authors'
    code. All subsets thus have similar sizes, and every gene is in at least one.

    Args:
        order: a permutation of the gene indices, int64 (genes,).
        subsets: number of subsets.
        overlap: share of a run.
    """
    genes = len(order)
    edges = torch.linspace(0, genes, subsets + 1).round().long().tolist()
    dealt = torch.zeros((subsets, genes), dtype=torch.bool, device=order.device)
    for i, (start, stop) in enumerate(zip(edges, edges[1:], strict=False)):
        shared = round(overlap * (stop - start))
        if i == 0:
            stop += shared
        else:
            start -= shared
        dealt[i, order[start:stop]] = True
    return dealt


class Reconstruction(nn.Module):
    """Dense layer that reconstructs all genes from the features of a subset.

    Attributes:
        subsets: 1 for the genes of a subset, 0 elsewhere, float32 (subsets, genes).
    """

    subsets: Tensor

    def __init__(self, width: int, subsets: Tensor) -> None:
        super().__init__()
        self.register_buffer("subsets", subsets.float())
        self.layer = nn.Linear(width, subsets.shape[1])

    def forward(self, features: Tensor) -> Tensor:
        """All genes (n, genes) from features (n, width)."""
        return cast("Tensor", self.layer(features))


@dataclass(frozen=True)
class SubTab(Pretext):
    """Reconstruction of a whole patient from subsets of its genes, and agreement between the subsets.

    The genes are divided into overlapping subsets once, in a random order. The backbone sees one subset at a time, with
    the other genes set to zero, and a dense layer reconstructs the whole patient. The loss (equation 1) is the mean
    squared error over patients, genes and subsets, so that predicting each gene's mean gives 1 on z-scored genes; plus
    NT-Xent and plus the squared distance, both between the unit-norm projections of two subsets of a patient, averaged
    over pairs of subsets. The authors' noise on the subsets is omitted. A classifier uses the features of the whole
    patient, not their mean over subsets.

    Attributes:
        subsets: number of subsets.
        overlap: genes shared with the neighbouring subset, as a share of a subset's own.
        contrastive_weight: of the contrastive term; 0 disables it.
        distance_weight: of the distance term; 0 disables it.
        temperature: divides the cosine in the contrastive term.

    Raises:
        DataError: an invalid setting, or fewer genes than subsets.
    """

    subsets: int = 4
    overlap: float = 0.75
    contrastive_weight: float = 0.0
    distance_weight: float = 0.0
    temperature: float = 0.1

    def __post_init__(self) -> None:
        require(self.subsets >= 2, "subsets", "at least 2", self.subsets)
        require(0 <= self.overlap <= 1, "overlap", "a share of a subset between 0 and 1", self.overlap)
        require(self.contrastive_weight >= 0, "contrastive_weight", "0 or more", self.contrastive_weight)
        require(self.distance_weight >= 0, "distance_weight", "0 or more", self.distance_weight)
        require(self.temperature > 0, "temperature", "above 0", self.temperature)
        if self.contrastive_weight:
            require_others(self.batch_size)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone, the reconstruction layer, and the projector if a term compares subsets."""
        genes, width = x.shape[1], backbone.width
        require(self.subsets <= genes, "subsets", f"at most the number of genes, {genes}", self.subsets)
        subsets = deal(torch.randperm(genes), self.subsets, self.overlap)
        nets: dict[str, nn.Module] = {BACKBONE: backbone, _DECODER: Reconstruction(width, subsets)}
        if self._compares:
            nets[_PROJECTOR] = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        return nets

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """The sum of the terms; each term is logged."""
        terms = self._terms(nets, batch.x)
        for name, (_, value) in terms.items():
            batch.log(name, value.detach())
        yield BACKBONE, _sum(terms)

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """The same sum on held-out patients (n, genes), in batches of about `batch_size`."""
        parts = even_parts(x, self.batch_size)
        return torch.stack([_sum(self._terms(nets, part)) * len(part) for part in parts]).sum() / len(x)

    def views(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Patients (n, genes) restricted to two neighbouring subsets of a new random division."""
        order = torch.randperm(x.shape[1], generator=generator, device=x.device)
        first, second = deal(order, self.subsets, self.overlap)[:2]
        return x * first, x * second

    @property
    def _compares(self) -> bool:
        return bool(self.contrastive_weight or self.distance_weight)

    def _terms(self, nets: Mapping[str, nn.Module], x: Tensor) -> dict[str, tuple[float, Tensor]]:
        """Weight and value of each term."""
        decoder = cast("Reconstruction", nets[_DECODER])
        seen = (x * decoder.subsets[:, None]).flatten(0, 1)  # subset after subset, (subsets * n, genes)
        features = nets[BACKBONE](seen)
        rebuilt = decoder(features).float().unflatten(0, (self.subsets, len(x)))
        terms = {"reconstruction_loss": (1.0, F.mse_loss(rebuilt, x.expand_as(rebuilt)))}
        if not self._compares:
            return terms
        projected = nets[_PROJECTOR](features).unflatten(0, (self.subsets, len(x)))
        pairs = list(combinations(F.normalize(projected.float(), dim=2), 2))
        if self.contrastive_weight:
            losses = [info_nce(a, b, temperature=self.temperature, negatives="all").loss for a, b in pairs]
            terms["contrastive_loss"] = (self.contrastive_weight, torch.stack(losses).mean())
        if self.distance_weight:
            distances = [(a - b).square().sum(1).mean() for a, b in pairs]
            terms["distance_loss"] = (self.distance_weight, torch.stack(distances).mean())
        return terms


def _sum(terms: Mapping[str, tuple[float, Tensor]]) -> Tensor:
    return torch.stack([weight * value for weight, value in terms.values()]).sum()
