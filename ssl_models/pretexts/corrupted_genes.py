"""Contrastive pretexts on corrupted gene expression, and SCARF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from cohortsmith.ssl_models.augmentations import (
    Drawn,
    even_parts,
    mask_per_patient,
    other_rows,
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

Corruption = Literal["zero", "batch"]
Negatives = Literal["all", "between", "one"]

_PROJECTOR = "projector"


class Contrast(NamedTuple):
    """Contrastive loss and accuracy of a batch.

    Attributes:
        loss: mean over the anchors, in nats.
        accuracy: share of anchors that are more similar to their positive than to any negative.
    """

    loss: Tensor
    accuracy: Tensor


def info_nce(
    first: Tensor, second: Tensor, *, temperature: float, negatives: Negatives, drawn: Tensor | None = None
) -> Contrast:
    """InfoNCE on cosine similarity (van den Oord et al. 2018, equation 4).

    For an anchor u with its positive p and negatives q: -log(e(u, p) / (e(u, p) + sum of e(u, q))), where e(u, v) =
    exp(cos(u, v) / temperature).

    Args:
        first: embeddings of one view of each patient (n, width).
        second: embeddings of the other view, in the same order.
        temperature: above 0.
        negatives: "between": anchors are first views, negatives the other patients' second ones (Bahri et al. 2022,
            algorithm 1, whose loss is this one less log n). "one": as "between", but with one negative per anchor,
            given by `drawn`. "all": all 2n views are anchors, and all views of other patients negatives (Chen et al.
            2020, equation 1).
        drawn: with "one", the row of another patient for each anchor, int64 (n,).
    """
    n = len(first)
    with torch.autocast(first.device.type, enabled=False):  # a low temperature would amplify bfloat16's rounding errors
        a, b = F.normalize(first.float(), dim=1), F.normalize(second.float(), dim=1)
        if negatives == "one":
            if drawn is None:
                raise ValueError("one negative per anchor needs `drawn`")
            logits = torch.stack([(a * b).sum(1), (a * b[drawn]).sum(1)], dim=1)
            positive = torch.zeros(n, dtype=torch.int64, device=a.device)
        elif negatives == "between":
            logits = a @ b.T
            positive = torch.arange(n, device=a.device)
        else:
            both = torch.cat([a, b])
            itself = torch.eye(2 * n, dtype=torch.bool, device=a.device)
            logits = (both @ both.T).masked_fill(itself, -torch.inf)
            positive = (torch.arange(2 * n, device=a.device) + n) % (2 * n)
        logits = logits / temperature
        loss = F.cross_entropy(logits, positive)
    at = positive[:, None]
    rivals = logits.detach().scatter(1, at, -torch.inf).amax(1)
    return Contrast(loss, (logits.detach().gather(1, at)[:, 0] > rivals).float().mean())


@dataclass(frozen=True)
class CorruptedGenes(Pretext):
    """Contrastive learning on corrupted patients (the founding study on transcriptomes, 2021).

    In each view a random set of genes is corrupted, drawn for each patient at every step. Two views of a patient should
    have similar embeddings, different from those of other patients of the batch. With several processes, negatives
    come from each process's share of the batch.

    Attributes:
        mask_share: share of genes that are corrupted, above 0, below 1.
        corruption: replacement of a corrupted value: "zero", the gene's mean; "batch", the same gene of another
            patient of the batch, drawn for each gene.
        corruptions: 2 corrupts both views; 1 leaves the first view unchanged.
        negatives: "all" views of other patients, "between": those in the other view, or "one" of these per anchor.
            The founding study's "one negative per positive" is interpreted as one drawn for each pair at every step.
        temperature: divides the cosine.
        projector: width of a two-layer projector between features and loss; 0 for none.

    Raises:
        DataError: an invalid setting.
    """

    mask_share: float = 0.1
    corruption: Corruption = "zero"
    corruptions: Literal[1, 2] = 2
    negatives: Negatives = "one"
    temperature: float = 0.1
    projector: int = 0

    def __post_init__(self) -> None:
        require(0 < self.mask_share < 1, "mask_share", "a share of the genes between 0 and 1", self.mask_share)
        require(self.temperature > 0, "temperature", "above 0", self.temperature)
        require(self.projector >= 0, "projector", "a width, or 0 for none", self.projector)
        require_others(self.batch_size)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone, and the projector where there is one."""
        if not self.projector:
            return {BACKBONE: backbone}
        wide = self.projector
        projector = nn.Sequential(nn.Linear(backbone.width, wide), nn.ReLU(), nn.Linear(wide, wide))
        return {BACKBONE: backbone, _PROJECTOR: projector}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """InfoNCE; the contrastive accuracy is logged."""
        contrast = self._contrast(nets, batch.x, batch)
        batch.log("contrastive_accuracy", contrast.accuracy)
        yield BACKBONE, contrast.loss

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """InfoNCE on held-out patients (n, genes), in batches of about `batch_size`."""
        parts = even_parts(x, self.batch_size)
        losses = [self._contrast(nets, part, Drawn(part, generator)).loss * len(part) for part in parts]
        return torch.stack(losses).sum() / len(x)

    def views(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two views of each patient (n, genes)."""
        return self._views(x, Drawn(x, generator))

    def corrupt(self, x: Tensor, noise: Noise) -> Tensor:
        """Corrupted patients (n, genes)."""
        mask = mask_per_patient(noise, x.shape[1], self.mask_share)
        if self.corruption == "zero":
            return x.masked_fill(mask, 0.0)
        return torch.where(mask, values_of_others(noise, x), x)

    def _views(self, x: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        return (self.corrupt(x, noise) if self.corruptions == 2 else x), self.corrupt(x, noise)

    def _contrast(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> Contrast:
        # One pass for both views, so that batch norm has no separate statistics for each.
        embedded = nets[BACKBONE](torch.cat(self._views(x, noise)))
        if self.projector:
            embedded = nets[_PROJECTOR](embedded)
        first, second = embedded.chunk(2)
        drawn = other_rows(noise, len(x), device=x.device) if self.negatives == "one" else None
        return info_nce(first, second, temperature=self.temperature, negatives=self.negatives, drawn=drawn)


@dataclass(frozen=True)
class Scarf(CorruptedGenes):
    """SCARF (Bahri et al. 2022): a patient against its corrupted view, with the paper's settings.

    60 % of genes are replaced by other patients' values, similarities are cosines at temperature 1, negatives are the
    other patients' corrupted views, and a two-layer projector of 256 units is discarded after training; Adam at 1e-3,
    batches of 128.
    """

    learning_rate: float = 1e-3
    decay: Literal["constant", "cosine", "linear"] = "constant"
    mask_share: float = 0.6
    corruption: Corruption = "batch"
    corruptions: Literal[1, 2] = 1
    negatives: Negatives = "between"
    temperature: float = 1.0
    projector: int = 256
