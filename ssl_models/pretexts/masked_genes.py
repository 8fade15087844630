"""Pretexts that predict masked genes from the others: one fixed mask, or VIME's mask per patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.nn import functional as F

from cohortsmith.ssl_models.augmentations import (
    Drawn,
    even_parts,
    masked_gene_count,
    require,
    require_others,
    values_of_others,
)
from cohortsmith.ssl_models.pretexts.base import BACKBONE, Pretext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from cohortsmith.ssl_models.augmentations import Noise
    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.training import Batch

_VALUES, _MASK = "values", "mask"  # names of the networks beside the backbone


class HiddenValues(nn.Module):
    """Dense layer that predicts the genes of a fixed mask.

    Attributes:
        hidden: indices of the masked genes, int64 (k,), ascending.
    """

    hidden: Tensor

    def __init__(self, width: int, hidden: Tensor) -> None:
        super().__init__()
        self.register_buffer("hidden", hidden)
        self.layer = nn.Linear(width, len(hidden))

    def hide(self, x: Tensor) -> Tensor:
        """Patients (n, genes) with masked values set to zero, the gene's mean."""
        return x.index_fill(1, self.hidden, 0.0)

    def forward(self, features: Tensor) -> Tensor:
        """Predicted values (n, k) of the masked genes, from features (n, width)."""
        return cast("Tensor", self.layer(features))


@dataclass(frozen=True)
class MaskedGenes(Pretext):
    """Masked prediction with one mask for all patients (the founding study on transcriptomes, 2021).

    The mask is drawn once from the seed. Masked values are set to zero, and a dense layer on the backbone's features
    predicts only them. The loss is the mean squared error; predicting each gene's mean gives 1 on z-scored genes.

    Attributes:
        mask_share: share of genes that are masked, above 0, at most 1.

    Raises:
        DataError: an invalid share.
    """

    mask_share: float = 0.1

    def __post_init__(self) -> None:
        require(0 < self.mask_share <= 1, "mask_share", "a share of the genes above 0 and at most 1", self.mask_share)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone, and the layer that holds the mask."""
        genes = x.shape[1]
        hidden = torch.randperm(genes)[: masked_gene_count(genes, self.mask_share)]
        return {BACKBONE: backbone, _VALUES: HiddenValues(backbone.width, hidden.sort().values)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Mean squared error of the masked values."""
        yield BACKBONE, self._loss(nets, batch.x)

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """The same error on held-out patients (n, genes)."""
        parts = even_parts(x, self.batch_size)
        return torch.stack([self._loss(nets, part) * len(part) for part in parts]).sum() / len(x)

    def predicted(self, nets: Mapping[str, nn.Module], x: Tensor, generator: torch.Generator) -> Tensor:
        """Patients (n, genes) with predicted values of the masked genes; the caller sets the networks' modes."""
        head = cast("HiddenValues", nets[_VALUES])
        values = head(nets[BACKBONE](head.hide(x)))
        return x.index_copy(1, head.hidden, values.to(x))

    def _loss(self, nets: Mapping[str, nn.Module], x: Tensor) -> Tensor:
        head = cast("HiddenValues", nets[_VALUES])
        values = head(nets[BACKBONE](head.hide(x)))
        return F.mse_loss(values.float(), x[:, head.hidden])


@dataclass(frozen=True)
class Vime(Pretext):
    """Value imputation and mask estimation (Yoon et al. 2020, "VIME").

    At every step genes are masked independently for each patient. Masked values are replaced by the same gene of
    another patient of the batch (equation 3, over the batch). From the features of the corrupted patient one dense
    layer predicts all values, another the probability that each gene was replaced. The loss is that of equation 4:
    binary cross-entropy of the mask (equation 5) + alpha * squared error of the values (equation 6), both means over
    the genes. As in the authors' code, a gene counts as replaced only if its value changed.

    Attributes:
        mask_share: probability of masking a gene, p_m.
        alpha: weight of the values' error.

    Raises:
        DataError: an invalid setting.
    """

    mask_share: float = 0.3
    alpha: float = 2.0

    def __post_init__(self) -> None:
        require(0 < self.mask_share < 1, "mask_share", "a share of the genes between 0 and 1", self.mask_share)
        require(self.alpha >= 0, "alpha", "0 or more", self.alpha)
        require_others(self.batch_size)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone and the two layers."""
        genes = x.shape[1]
        return {
            BACKBONE: backbone,
            _VALUES: nn.Linear(backbone.width, genes),
            _MASK: nn.Linear(backbone.width, genes),
        }

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Equation 4; both terms are logged."""
        values, mask = self._terms(nets, batch.x, batch)
        batch.log("value_loss", values.detach())
        batch.log("mask_loss", mask.detach())
        yield BACKBONE, mask + self.alpha * values

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Equation 4 on held-out patients (n, genes), masked once."""
        losses = []
        for part in even_parts(x, self.batch_size):
            values, mask = self._terms(nets, part, Drawn(part, generator))
            losses.append((mask + self.alpha * values) * len(part))
        return torch.stack(losses).sum() / len(x)

    def predicted(self, nets: Mapping[str, nn.Module], x: Tensor, generator: torch.Generator) -> Tensor:
        """Patients (n, genes) with predicted values of a new random mask; the caller sets the networks' modes."""
        corrupted, mask = self.corrupt(x, Drawn(x, generator))
        values = nets[_VALUES](nets[BACKBONE](corrupted))
        return torch.where(mask, values.to(x), x)

    def corrupt(self, x: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Corrupted patients (n, genes), and where their values changed, bool (n, genes)."""
        mask = noise.rand(x.shape[1]) < self.mask_share
        corrupted = torch.where(mask, values_of_others(noise, x), x)
        return corrupted, corrupted != x

    def _terms(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Losses of equations 6 and 5."""
        corrupted, mask = self.corrupt(x, noise)
        features = nets[BACKBONE](corrupted)
        values = F.mse_loss(nets[_VALUES](features).float(), x)
        return values, F.binary_cross_entropy_with_logits(nets[_MASK](features).float(), mask.float())
