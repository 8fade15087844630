"""`SiteNetwork`: networks for aligned sequences, each a consensus with a few edits.

A reader sums the embeddings of a sequence's edits; a writer scores every cell (symbol and column) by the product of the
patient's vector with the cell's embedding, added to the symbol's log-frequency in the class. A cell's embedding is
computed from its features (`Sites.features`), plus a free part where enough patients carry the edit. Cells are embedded
once per pass, not per patient: the cost of a long sequence is two matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cohortsmith.generators.contracts import GeneratorNet, Likelihood
from cohortsmith.generators.networks import ResidualMLP, ResidualStack
from cohortsmith.generators.sequences.edit_likelihood import EditLikelihood

if TYPE_CHECKING:
    from cohortsmith.generators.sequences.sites import Sites

_RANK = 64  # of a cell's embedding
_HIDDEN = 64
_GROUPS = 4
_BESIDE = 12  # columns to either side that a known gap or inserted base informs
_LOCAL = 16


@dataclass(frozen=True)
class SiteNetwork:
    """Networks for one-hot codes (5, columns).

    Attributes:
        sites: the alignment's cells.
        classes: number of classes.
        width, depth, dropout: of the residual blocks between reading and writing.
    """

    sites: Sites
    classes: int
    width: int
    depth: int
    dropout: float = 0.0

    @property
    def code_shape(self) -> tuple[int, ...]:
        """(5, columns)."""
        return (5, len(self.sites))

    def encoder(self, out_dim: int) -> nn.Module:
        """Codes to (n, out_dim)."""
        return _Encoder(self, out_dim)

    def posterior(self, latent_dim: int) -> nn.Module:
        """Codes to means and log variances of latents."""
        return self.encoder(2 * latent_dim)

    def decoder(self, in_dim: int) -> nn.Module:
        """Latents to the parameters of `EditLikelihood`."""
        return _Decoder(self, in_dim)

    def likelihood(self) -> Likelihood:
        """The consensus with a number of edits."""
        return EditLikelihood(self.sites)

    def generator_net(self, in_dim: int) -> GeneratorNet:
        """Latents to symbols, by the straight-through Gumbel softmax."""
        return _GeneratorNet(self.decoder(in_dim), EditLikelihood(self.sites))

    def denoiser(self) -> nn.Module:
        """Partly masked codes to logits (n, 5, columns) of the masked symbols."""
        return _Denoiser(self)

    def stack(self, in_dim: int, out_dim: int) -> ResidualStack:
        """Residual blocks of this width and depth."""
        return ResidualStack(ResidualMLP(in_dim, self.classes, self.width, self.depth, self.dropout), in_dim, out_dim)


class _Cells(nn.Module):
    """Embedding of every cell, (5 * columns, rank)."""

    features: Tensor
    common: Tensor

    def __init__(self, sites: Sites, rank: int = _RANK) -> None:
        super().__init__()
        self.register_buffer("features", torch.from_numpy(sites.features), persistent=False)
        self.register_buffer("common", torch.from_numpy(sites.common), persistent=False)
        self.shared = nn.Sequential(nn.Linear(sites.features.shape[1], _HIDDEN), nn.SiLU(), nn.Linear(_HIDDEN, rank))
        self.own = nn.Parameter(0.1 * torch.randn(len(sites.common), rank))

    def forward(self) -> Tensor:
        rows: Tensor = self.shared(self.features)
        return rows.index_add(0, self.common, self.own.to(rows.dtype)) if len(self.common) else rows


class _Reader(nn.Module):
    """Sum of the embeddings of a patient's edits, and how many there are of each group."""

    edits: Tensor
    groups: Tensor
    dim = _RANK + _GROUPS

    def __init__(self, sites: Sites) -> None:
        super().__init__()
        self.cells = _Cells(sites)
        groups = torch.from_numpy(sites.groups)
        self.register_buffer("groups", groups, persistent=False)
        self.register_buffer("edits", groups.sum(1, keepdim=True), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        table = torch.cat([self.cells() * self.edits, self.groups], dim=1)
        out: Tensor = x.flatten(1) @ table.to(x.dtype)
        return out


class _Writer(nn.Module):
    """Logits (n, 5, columns) from vectors (n, dim): the class's log-frequencies, moved by cell and by group."""

    log_rates: Tensor
    groups: Tensor
    dim = _RANK + _GROUPS

    def __init__(self, sites: Sites) -> None:
        super().__init__()
        self.cells = _Cells(sites)
        self.register_buffer("log_rates", torch.from_numpy(sites.log_rates), persistent=False)
        self.register_buffer("groups", torch.from_numpy(sites.groups), persistent=False)

    def forward(self, vector: Tensor, y: Tensor) -> Tensor:
        table = torch.cat([self.cells(), self.groups], dim=1)
        moved = (vector @ table.to(vector.dtype).T).view(len(vector), 5, -1)
        out: Tensor = self.log_rates[y % len(self.log_rates)] + moved
        return out


class _Encoder(nn.Module):
    def __init__(self, shape: SiteNetwork, out_dim: int) -> None:
        super().__init__()
        self.reader = _Reader(shape.sites)
        self.stack = shape.stack(_Reader.dim, out_dim)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        out: Tensor = self.stack(self.reader(x), y)
        return out


class _Decoder(nn.Module):
    log_numbers: Tensor

    def __init__(self, shape: SiteNetwork, in_dim: int) -> None:
        super().__init__()
        numbers = torch.from_numpy(shape.sites.log_numbers)
        self.register_buffer("log_numbers", numbers, persistent=False)
        self.stack = shape.stack(in_dim, _Writer.dim + numbers.shape[1])
        self.writer = _Writer(shape.sites)
        _start_at_zero(self.stack)

    def forward(self, latent: Tensor, y: Tensor) -> Tensor:
        vector, numbers = self.stack(latent, y).split([_Writer.dim, self.log_numbers.shape[1]], dim=1)
        return torch.cat([self.writer(vector, y).flatten(1), self.log_numbers[y] + numbers], dim=1)


class _GeneratorNet(GeneratorNet):
    def __init__(self, decoder: nn.Module, law: EditLikelihood) -> None:
        super().__init__()
        self.decoder, self.law = decoder, law  # a submodule's name is part of saved weights
        self.noise_shape = law.noise_shape

    def forward(self, latent: Tensor, y: Tensor, uniform: Tensor | None = None) -> Tensor:
        if uniform is None:
            raise TypeError("edits are sampled: this generator network needs uniform noise")
        return self.law.relax(self.decoder(latent, y), uniform)


class _Denoiser(nn.Module):
    """Reads the revealed edits and the expected masked ones; writes logits for every column.

    Gaps and inserted bases come in runs, so those that are revealed inform the neighbouring columns.
    """

    rates: Tensor
    indels: Tensor

    def __init__(self, shape: SiteNetwork) -> None:
        super().__init__()
        self.code_shape = shape.code_shape
        self.reader, self.writer = _Reader(shape.sites), _Writer(shape.sites)
        cells = self.writer.log_rates.exp().flatten(1)[:, :, None] * self.writer.groups
        rates = cells.view(len(cells), 5, -1, _GROUPS).sum(1)  # expected edits of each group in each column, per class
        self.register_buffer("rates", rates.permute(1, 0, 2).flatten(1), persistent=False)
        self.stack = shape.stack(_Reader.dim + _GROUPS + 1, _Writer.dim + _GROUPS)
        _start_at_zero(self.stack)
        indels = torch.from_numpy(shape.sites.indels)[None]
        self.register_buffer("indels", indels, persistent=False)
        self.beside: nn.Module | None = None
        if shape.sites.has_indels:
            read = nn.Conv1d(3, _LOCAL, 2 * _BESIDE + 1, padding=_BESIDE)
            write = nn.Conv1d(_LOCAL, 2, 1, bias=False)
            nn.init.zeros_(write.weight)
            self.beside = nn.Sequential(read, nn.SiLU(), write)

    def forward(self, x: Tensor, level: Tensor, y: Tensor) -> Tensor:
        """Logits (n, 5, columns) for codes (n, 5, columns) with hidden columns all zeros; level (n,): share masked."""
        hidden = 1 - x.sum(1)
        expected = (hidden @ self.rates).view(len(x), -1, _GROUPS)  # expected masked edits
        rows = torch.arange(len(y), device=y.device)
        left = expected[rows, y % expected.shape[1]].clamp_min(1e-6).log()
        answer = self.stack(torch.cat([self.reader(x), left / 4, level[:, None]], dim=1), y)
        vector, pull = answer.split([_Writer.dim, _GROUPS], dim=1)
        # The fewer positions are left, the likelier each holds a patient's single edit: the logit rises as -log(left).
        vector = torch.cat([vector[:, :_RANK], vector[:, _RANK:] - pull * left], dim=1)
        out: Tensor = self.writer(vector, y)
        if self.beside is None:
            return out
        known = torch.cat([(x[:, None] * self.indels).sum(2), 1 - hidden[:, None]], dim=1)
        out = out + (self.beside(known)[:, :, None] * self.indels).sum(1)
        return out


def _start_at_zero(stack: ResidualStack) -> None:
    """Before training, the output is the class's frequencies."""
    nn.init.zeros_(stack.leave.weight)
    nn.init.zeros_(stack.leave.bias)
