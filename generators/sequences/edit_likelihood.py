"""`EditLikelihood`: a patient's sequence as the consensus with a number of edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from cohortsmith.generators.contracts import Likelihood

if TYPE_CHECKING:
    from cohortsmith.generators.sequences.sites import Sites


class EditLikelihood(Likelihood):
    """Distribution of a sequence given the decoder's output: polymorphic columns, and sporadic edits elsewhere.

    Columns in which many patients of a class have another symbol are drawn independently. In all others edits are
    sporadic: their number is one draw, and which they are another, from a softmax over all cells. Independent columns
    could not express "exactly one of a thousand": a share exp(-1) of the patients would have none.

    The decoder's output is (n, 5 * columns + numbers): a logit for each cell, and one for each number of edits.
    """

    consensus: Tensor
    polymorphic: Tensor
    closed: Tensor

    def __init__(self, sites: Sites) -> None:
        super().__init__()
        consensus = torch.from_numpy(sites.consensus.astype("int64"))
        own = (torch.arange(5)[:, None] == consensus).float()
        self.register_buffer("consensus", own, persistent=False)
        self.register_buffer("polymorphic", torch.from_numpy(sites.polymorphic), persistent=False)
        # cells that cannot be sporadic edits: the consensus itself, and all of polymorphic columns
        closed = (own > 0) | self.polymorphic
        self.register_buffer("closed", closed.flatten(), persistent=False)
        self.most = sites.log_numbers.shape[1] - 1

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the uniform noise that `relax` needs for a patient."""
        return (self.closed.numel() + self.most + 1,)

    def nlls(self, decoded: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """-log p(x) (n,) in nats, up to the order of the edits; masked positions (all zeros) do not count."""
        cells, numbers = self._read(decoded)
        symbols = (x * cells.log_softmax(1) * self.polymorphic).flatten(1).sum(1)
        edits = x.flatten(1) * ~self.closed
        which = (edits * self._choice(cells).log_softmax(1).clamp_min(-100)).sum(1)
        count = edits.sum(1).long().clamp_max(self.most)
        many = numbers.log_softmax(1).gather(1, count[:, None])[:, 0]
        return -(symbols + which + many)

    def sample(self, decoded: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """One-hot codes (n, 5, columns)."""
        uniform = torch.rand((len(decoded), *self.noise_shape), generator=generator, device=decoded.device)
        return self.relax(decoded, uniform).round()  # the straight-through gradient leaves a rounding error

    def mean(self, decoded: Tensor) -> Tensor:
        """Probability of each symbol, (n, 5, columns)."""
        cells, numbers = self._read(decoded)
        expected = numbers.softmax(1) @ torch.arange(self.most + 1, dtype=cells.dtype, device=cells.device)
        edits = (expected[:, None] * self._choice(cells).softmax(1)).clamp_max(1.0).view_as(cells)
        return self._assemble(cells.softmax(1), edits)

    def relax(self, decoded: Tensor, uniform: Tensor) -> Tensor:
        """One-hot codes (n, 5, columns) whose gradient is the Gumbel softmax's.

        Args:
            decoded: the decoder's output.
            uniform: noise (n, *noise_shape) in [0, 1).
        """
        cells, numbers = self._read(decoded)
        noise = gumbel(uniform)
        free, counted = noise[:, : self.closed.numel()], noise[:, self.closed.numel() :]
        symbols = straight_through(cells + free.reshape(cells.shape), 1)
        number = straight_through(numbers + counted, 1)
        at_least = number.flip(1).cumsum(1).flip(1)
        scores = self._choice(cells) + free
        edits = torch.zeros_like(scores)
        for k in range(1, self.most + 1):
            chosen = straight_through(scores, 1)
            edits = edits + at_least[:, k : k + 1] * chosen
            scores = scores.masked_fill(chosen.detach() > 0.5, -1e9)  # without replacement
        # A column has one edit at most (ties aside): the first symbol is kept.
        return self._assemble(symbols, _one_a_column(edits.view_as(cells)))

    def _read(self, decoded: Tensor) -> tuple[Tensor, Tensor]:
        decoded, cells = decoded.float(), self.closed.numel()
        return decoded[:, :cells].reshape(len(decoded), 5, -1), decoded[:, cells:]

    def _choice(self, cells: Tensor) -> Tensor:
        return cells.flatten(1).masked_fill(self.closed, -1e9)

    def _assemble(self, symbols: Tensor, edits: Tensor) -> Tensor:
        sporadic = edits + self.consensus * (1 - edits.sum(1, keepdim=True))
        return torch.where(self.polymorphic, _one_a_column(symbols), sporadic)


def gumbel(uniform: Tensor) -> Tensor:
    """Standard Gumbel noise of uniform noise in [0, 1)."""
    return -torch.log(-torch.log(uniform.clamp(1e-7, 1 - 1e-7)))


def straight_through(scores: Tensor, dim: int) -> Tensor:
    """One-hot argmax along a dimension, with the softmax's gradient (Jang et al. 2017, section 2.2)."""
    soft = scores.softmax(dim)
    hard = (scores == scores.amax(dim, keepdim=True)).to(soft)  # five times as fast as argmax
    return hard + soft - soft.detach()


def _one_a_column(edits: Tensor) -> Tensor:
    """Edits (n, 5, columns) with at most one symbol per column."""
    earlier = F.pad(edits.detach().cumsum(1), (0, 0, 1, 0))[:, :-1]
    return edits * (earlier < 0.5)
