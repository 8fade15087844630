"""Pretexts on aligned sequences: masked tokens (BERT) and next tokens (GPT).

Nearly all columns are the same in all patients, so an unweighted loss would soon be dominated by constant columns. The
network's logits, initially zero, are therefore added to the log frequencies of the codes in each column
(`Frequencies`): a constant column has no loss and no gradient from the start, while rarer edits cost more. The loss is
divided by that of the frequencies alone on the training patients, so that 1 is the uninformed baseline, as is an MSE of
1 on z-scored genes. It cannot fall much below 1 where a patient's edits are nearly independent of one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import nn
from torch.nn import functional as F

from cohortsmith.data import DataError
from cohortsmith.data.disclosure import MIN_PATIENTS
from cohortsmith.data.nucleotides import MASKED, SYMBOLS
from cohortsmith.ssl_models.augmentations import Drawn, even_parts, require, require_others, values_of_others
from cohortsmith.ssl_models.backbones import SequenceBackbone
from cohortsmith.ssl_models.pretexts.base import BACKBONE, Pretext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from cohortsmith.ssl_models.augmentations import Noise
    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.training import Batch

_CODES = "codes"  # name of the network beside the backbone


class Frequencies(nn.Module):
    """Frequencies of the codes in each column of a cohort, and logits relative to them.

    Edits of fewer than five sequences share one frequency, so that none reveals a patient.

    Attributes:
        log_rates: log-probability of each code, (columns, 5).
        alone: mean of -log_rates over the cohort's codes, the cross-entropy of the frequencies alone.
    """

    log_rates: Tensor
    alone: Tensor

    def __init__(self, backbone: SequenceBackbone, x: Tensor) -> None:
        super().__init__()
        counts = torch.stack([(x == code).sum(0) for code in range(SYMBOLS)], dim=1).double()
        self.register_buffer("log_rates", _rates(counts, backbone.consensus).log().float())
        self.register_buffer("alone", -(counts * self.log_rates).sum().float() / counts.sum())
        self.columns = len(counts)
        self.layer = nn.Linear(backbone.width, backbone.patch * SYMBOLS)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, tokens: Tensor, skipped: int = 0) -> Tensor:
        """Logits (n, columns - skipped, 5) from tokens (n, length, width), without the first `skipped` columns."""
        logits = self.layer(tokens).float().unflatten(2, (-1, SYMBOLS)).flatten(1, 2)
        return cast("Tensor", logits[:, : self.columns - skipped] + self.log_rates[skipped:])


@dataclass(frozen=True)
class MaskedToken(Pretext):
    """Masked language model (Devlin et al. 2019, section 3.1) on the columns of an alignment.

    Each column of each patient is selected with probability `share`; of those 80 % are masked, 10 % replaced and 10 %
    unchanged, and the network predicts the code of every selected column. The replacement is another patient's code in
    that column rather than a random letter: otherwise edits would look like noise, to be corrected to the wild type,
    and the backbone would learn to ignore them.

    Attributes:
        share: of columns that are selected.
        hidden: share of selected columns that are masked.
        swapped: share of selected columns that are replaced.

    Raises:
        DataError: an invalid share.
    """

    share: float = 0.15
    hidden: float = 0.8
    swapped: float = 0.1

    backbones: ClassVar[tuple[str, ...]] = ("convolution", "transformer")

    def __post_init__(self) -> None:
        require(0 < self.share <= 1, "share", "a share of the columns above 0 and at most 1", self.share)
        require(self.hidden >= 0 and self.swapped >= 0, "hidden and swapped", "0 or more", (self.hidden, self.swapped))
        both = self.hidden + self.swapped
        require(both <= 1, "hidden + swapped", "at most 1, as shares of the selected columns", both)
        require_others(self.batch_size)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone, and the layer that predicts a token's codes."""
        return {BACKBONE: backbone, _CODES: Frequencies(_of_sequences(backbone), x)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Cross-entropy of the selected codes, relative to that of the frequencies alone."""
        yield BACKBONE, self._loss(nets, batch.x, batch)

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """The same on held-out patients (n, columns), with one random selection."""
        parts = even_parts(x, self.batch_size)
        return torch.stack([self._loss(nets, part, Drawn(part, generator)) * len(part) for part in parts]).sum() / len(
            x
        )

    def predicted(self, nets: Mapping[str, nn.Module], x: Tensor, generator: torch.Generator) -> Tensor:
        """Patients (n, columns) with masked codes sampled from the predictions, whose mode is the wild type."""
        corrupted, _ = self.corrupt(x, Drawn(x, generator))
        hidden = (corrupted == MASKED) & (x != MASKED)
        chances = self._logits(nets, corrupted)[hidden].softmax(1)
        drawn = x.clone()
        if len(chances):
            drawn[hidden] = torch.multinomial(chances, 1, generator=generator).flatten().to(x.dtype)
        return drawn

    def corrupt(self, x: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Codes (n, columns), selected ones masked, replaced or kept, and the mask of targets, bool (n, columns)."""
        drawn = noise.rand(x.shape[1]) / self.share  # below 1 where selected, and uniform there
        others = values_of_others(noise, x)
        swapped = torch.where((drawn >= self.hidden) & (drawn < self.hidden + self.swapped), others, x)
        hidden = swapped.masked_fill(drawn < self.hidden, MASKED)
        return hidden, (drawn < 1) & (x != MASKED)

    def _loss(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> Tensor:
        corrupted, chosen = self.corrupt(x, noise)
        logits = self._logits(nets, corrupted)[chosen]
        return _cross_entropy(logits, x[chosen]) / _frequencies(nets).alone

    def _logits(self, nets: Mapping[str, nn.Module], x: Tensor) -> Tensor:
        return cast("Tensor", nets[_CODES](_of_sequences(nets[BACKBONE]).tokens(x)))


@dataclass(frozen=True)
class NextToken(Pretext):
    """Language model of the next token given those before it (Radford et al. 2018, equation 1).

    A token is several columns (`patch` of the backbone); its codes are predicted independently given the previous
    tokens. The first token is not predicted. This needs a causal backbone.
    """

    backbones: ClassVar[tuple[str, ...]] = ("causal-transformer",)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone, and the layer that predicts the next token's codes.

        Raises:
            DataError: the backbone is not causal, or a sequence is a single token.
        """
        backbone = _of_sequences(backbone)
        if not backbone.causal:
            raise DataError("next-token needs a causal backbone: causal-transformer")
        if backbone.length < 2:
            raise DataError(f"next-token needs at least two tokens; {backbone.columns} columns are one: reduce patch")
        return {BACKBONE: backbone, _CODES: Frequencies(backbone, x)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Cross-entropy of all codes but the first token's, relative to that of the frequencies alone."""
        yield BACKBONE, self._loss(nets, batch.x)

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """The same on held-out patients (n, columns)."""
        parts = even_parts(x, self.batch_size)
        return torch.stack([self._loss(nets, part) * len(part) for part in parts]).sum() / len(x)

    def logits(self, nets: Mapping[str, nn.Module], x: Tensor) -> Tensor:
        """Logits (n, columns - patch, 5) of the codes of every token but the first, each from the tokens before."""
        backbone = _of_sequences(nets[BACKBONE])
        return cast("Tensor", nets[_CODES](backbone.tokens(x)[:, :-1], skipped=backbone.patch))

    def _loss(self, nets: Mapping[str, nn.Module], x: Tensor) -> Tensor:
        logits = self.logits(nets, x)
        return _cross_entropy(logits.flatten(0, 1), x[:, -logits.shape[1] :].flatten()) / _frequencies(nets).alone


def _cross_entropy(logits: Tensor, true: Tensor) -> Tensor:
    """Mean cross-entropy of codes (m,), ignoring masked ones, by logits (m, 5)."""
    known = (true != MASKED).sum().clamp(min=1)
    return F.cross_entropy(logits, true.long(), ignore_index=MASKED, reduction="sum") / known


def _rates(counts: Tensor, consensus: Tensor) -> Tensor:
    """Probability of each code (columns, 5) from counts (columns, 5); none is based on fewer than five sequences."""
    n = counts.sum(1, keepdim=True).clamp(min=1)
    edit = torch.arange(SYMBOLS, device=counts.device) != consensus[:, None]
    common = edit & (counts >= MIN_PATIENTS)
    rare = edit & ~common
    # pseudo-count of one half, so that unseen codes have a positive probability
    shared = (counts[rare].sum() + 0.5) / (n.expand_as(counts)[rare].sum() + 1)
    rates = torch.where(common, counts / n, torch.where(rare, shared, 0.0))
    rates = rates + torch.where(edit, 0.0, (1 - rates.sum(1, keepdim=True)).clamp(min=1e-3))
    return rates / rates.sum(1, keepdim=True)


def _frequencies(nets: Mapping[str, nn.Module]) -> Frequencies:
    return cast("Frequencies", nets[_CODES])


def _of_sequences(backbone: nn.Module) -> SequenceBackbone:
    if not isinstance(backbone, SequenceBackbone):
        raise DataError(f"token pretexts need a backbone for sequences; got {type(backbone).__name__}")
    return backbone
