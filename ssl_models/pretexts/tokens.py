"""Pretexts on aligned sequences: codes that are hidden (BERT), and codes that come next (GPT).

Nearly all columns are the same in all patients, so an unweighted loss is soon nothing but constants well told. Here
the network's logits are added to the logarithm of how often each code stands in each column (`Frequencies`), starting
from nought: a constant column then costs nothing from the first step on and moves no weight, while an edit costs the
more the rarer it is. The loss is divided by what these frequencies score by themselves on the training patients, so
that 1 is knowing nothing of the patient at hand, as an MSE of 1 is on z-scored genes, and below 1 something was learnt.
Much below 1 is not to be had where patients' edits have little to do with one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import nn
from torch.nn import functional as F

from cohortsmith.data import DataError
from cohortsmith.data.nucleotides import MASKED, SYMBOLS
from cohortsmith.ssl_models.augmentations import Drawn, evenly, require, require_others, values_of_others
from cohortsmith.ssl_models.backbones import SequenceBackbone
from cohortsmith.ssl_models.pretexts.base import BACKBONE, Pretext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from cohortsmith.ssl_models.augmentations import Noise
    from cohortsmith.ssl_models.backbones import Backbone
    from cohortsmith.training import Batch

_CODES = "codes"  # name of the network beside the backbone
_RARE = 5  # patients that an edit needs for its own frequency; fewer would be told by the saved network


class Frequencies(nn.Module):
    """How often each code stands in each column of a cohort, and logits on top of it.

    Edits of fewer than five sequences share one frequency, so that none of them tells of its patient.

    Attributes:
        log_rates: log-probability of each code, (columns, 5).
        alone: mean of -log_rates over the cohort's codes: the cross-entropy of knowing no more than them.
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
        """Logits (n, columns - skipped, 5) of the codes of tokens (n, length, width), the first columns left out."""
        told = self.layer(tokens).float().unflatten(2, (-1, SYMBOLS)).flatten(1, 2)
        return cast("Tensor", told[:, : self.columns - skipped] + self.log_rates[skipped:])


@dataclass(frozen=True)
class MaskedToken(Pretext):
    """Masked language model (Devlin et al. 2019, section 3.1) on the columns of an alignment.

    Each column of each patient is chosen with `share`; of those chosen 80 % are hidden, 10 % get another code, 10 %
    stay, and the network tells the code of every chosen one. The other code is what another patient of the batch has in
    that column, and not any of the alphabet: an edit would otherwise be a sign of noise, to be told as the wild type,
    and the backbone would learn to overlook edits.

    Attributes:
        share: of the columns that are chosen.
        hidden: share of the chosen ones that are hidden.
        swapped: share of the chosen ones that get another code.

    Raises:
        DataError: a share that cannot be.
    """

    share: float = 0.15
    hidden: float = 0.8
    swapped: float = 0.1

    backbones: ClassVar[tuple[str, ...]] = ("convolution", "transformer")

    def __post_init__(self) -> None:
        require(0 < self.share <= 1, "share", "a share of the columns above 0 and at most 1", self.share)
        require(self.hidden >= 0 and self.swapped >= 0, "hidden and swapped", "0 or more", (self.hidden, self.swapped))
        both = self.hidden + self.swapped
        require(both <= 1, "hidden + swapped", "at most 1, shares of the chosen columns", both)
        require_others(self.batch_size)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone, and the layer that tells a token's codes."""
        return {BACKBONE: backbone, _CODES: Frequencies(_of_sequences(backbone), x)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Cross-entropy of the chosen codes, over what their frequencies alone score."""
        yield BACKBONE, self._loss(nets, batch.x, batch)

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """The same on held-out patients (n, columns), chosen once."""
        parts = evenly(x, self.batch_size)
        return torch.stack([self._loss(nets, part, Drawn(part, generator)) * len(part) for part in parts]).sum() / len(
            x
        )

    def predicted(self, nets: Mapping[str, nn.Module], x: Tensor, generator: torch.Generator) -> Tensor:
        """Patients (n, columns) with hidden codes drawn as they are told; the likeliest would all be the wild type."""
        corrupted, _ = self.corrupt(x, Drawn(x, generator))
        hidden = (corrupted == MASKED) & (x != MASKED)
        chances = self._logits(nets, corrupted)[hidden].softmax(1)
        drawn = x.clone()
        if len(chances):
            drawn[hidden] = torch.multinomial(chances, 1, generator=generator).flatten().to(x.dtype)
        return drawn

    def corrupt(self, x: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Codes (n, columns) with chosen ones hidden, swapped or left, and which are to be told, bool (n, columns)."""
        drawn = noise.rand(x.shape[1]) / self.share  # below 1 where chosen, and uniform there
        others = values_of_others(noise, x)
        swapped = torch.where((drawn >= self.hidden) & (drawn < self.hidden + self.swapped), others, x)
        hidden = swapped.masked_fill(drawn < self.hidden, MASKED)
        return hidden, (drawn < 1) & (x != MASKED)

    def _loss(self, nets: Mapping[str, nn.Module], x: Tensor, noise: Noise) -> Tensor:
        corrupted, chosen = self.corrupt(x, noise)
        told = self._logits(nets, corrupted)[chosen]
        return _missed(told, x[chosen]) / _frequencies(nets).alone

    def _logits(self, nets: Mapping[str, nn.Module], x: Tensor) -> Tensor:
        return cast("Tensor", nets[_CODES](_of_sequences(nets[BACKBONE]).tokens(x)))


@dataclass(frozen=True)
class NextToken(Pretext):
    """Language model of the next token given those before it (Radford et al. 2018, equation 1).

    A token is several columns (`patch` of the backbone); given the tokens before, its codes are told each on its own.
    The first token, before which nothing stands, is not told. Tokens must know nothing of what comes after them, which
    takes a causal backbone.
    """

    backbones: ClassVar[tuple[str, ...]] = ("causal-transformer",)

    def build(self, backbone: Backbone, x: Tensor) -> dict[str, nn.Module]:
        """The backbone, and the layer that tells the next token's codes.

        Raises:
            DataError: the backbone sees what it is to tell, or a sequence is one token.
        """
        backbone = _of_sequences(backbone)
        if not backbone.causal:
            raise DataError("next-token needs a backbone that does not see what comes next: causal-transformer")
        if backbone.length < 2:
            raise DataError(f"next-token needs two tokens or more; {backbone.columns} columns are one: lower patch")
        return {BACKBONE: backbone, _CODES: Frequencies(backbone, x)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """Cross-entropy of all codes but the first token's, over what frequencies alone score."""
        yield BACKBONE, self._loss(nets, batch.x)

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """The same on held-out patients (n, columns)."""
        parts = evenly(x, self.batch_size)
        return torch.stack([self._loss(nets, part) * len(part) for part in parts]).sum() / len(x)

    def logits(self, nets: Mapping[str, nn.Module], x: Tensor) -> Tensor:
        """Logits (n, columns - patch, 5) of the codes of every token but the first, each from the tokens before."""
        backbone = _of_sequences(nets[BACKBONE])
        return cast("Tensor", nets[_CODES](backbone.tokens(x)[:, :-1], skipped=backbone.patch))

    def _loss(self, nets: Mapping[str, nn.Module], x: Tensor) -> Tensor:
        told = self.logits(nets, x)
        return _missed(told.flatten(0, 1), x[:, -told.shape[1] :].flatten()) / _frequencies(nets).alone


def _missed(told: Tensor, true: Tensor) -> Tensor:
    """Mean cross-entropy of codes (m,), of which masked ones count for nothing, by logits (m, 5)."""
    known = (true != MASKED).sum().clamp(min=1)
    return F.cross_entropy(told, true.long(), ignore_index=MASKED, reduction="sum") / known


def _rates(counts: Tensor, consensus: Tensor) -> Tensor:
    """Probability of each code (columns, 5), of counts (columns, 5); none rests on fewer than five sequences."""
    n = counts.sum(1, keepdim=True).clamp(min=1)
    edit = torch.arange(SYMBOLS, device=counts.device) != consensus[:, None]
    common = edit & (counts >= _RARE)
    rare = edit & ~common
    # half a sequence more: a code that nobody has is not thereby impossible
    shared = (counts[rare].sum() + 0.5) / (n.expand_as(counts)[rare].sum() + 1)
    rates = torch.where(common, counts / n, torch.where(rare, shared, 0.0))
    rates = rates + torch.where(edit, 0.0, (1 - rates.sum(1, keepdim=True)).clamp(min=1e-3))
    return rates / rates.sum(1, keepdim=True)


def _frequencies(nets: Mapping[str, nn.Module]) -> Frequencies:
    return cast("Frequencies", nets[_CODES])


def _of_sequences(backbone: nn.Module) -> SequenceBackbone:
    if not isinstance(backbone, SequenceBackbone):
        raise DataError(f"tokens are those of sequences; got the backbone {type(backbone).__name__}")
    return backbone
