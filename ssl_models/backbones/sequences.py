"""Backbones of aligned sequences: strided convolutions, and small transformers on tokens of several columns.

A patient is the cohort's consensus and a few edits, so nearly all columns are the same in everybody. What all share
would drive every feature alike, until none tells two patients apart. Therefore each column is seen as a pair, its own
code and the consensus's, a token knows where it stands, and a patient's features are what its edits change: the sum
over tokens of what the network makes of the patient, less what it makes of the consensus. The consensus itself has
features of nought, and no batch norm or dropout puts anything between the two.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import nn
from torch.nn import functional as F

from cohortsmith.data import DataError
from cohortsmith.data.nucleotides import MASKED, SYMBOLS
from cohortsmith.ssl_models.backbones.base import Backbone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from cohortsmith.ssl_models.inputs import Inputs

CODES = MASKED + 1
_COLUMN = 8  # numbers a column
_STRIDE = 3  # of both convolutions


class SequenceBackbone(Backbone):
    """Tokens of `patch` columns each, and the features of a patient from them.

    Attributes:
        columns: of a sequence.
        patch: columns that a token stands for, the last one perhaps for fewer.
        length: tokens of a sequence.
        causal: whether a token knows nothing of the columns after its own.
        consensus: most frequent code of each column, uint8 (columns,).
    """

    causal: ClassVar[bool] = False
    consensus: Tensor

    def __init__(self, inputs: Inputs, width: int, patch: int) -> None:
        super().__init__(width)
        self.columns, self.patch = inputs.shape[0], patch
        self.length = -(-self.columns // patch)
        self.register_buffer("consensus", torch.from_numpy(inputs.tensors["consensus"].copy()))

    @abstractmethod
    def tokens(self, x: Tensor) -> Tensor:
        """Features of each token (n, length, width) of codes (n, columns)."""

    def forward(self, x: Tensor) -> Tensor:
        """Features (n, width) of codes (n, columns); a masked place, where nothing is known, counts as unedited."""
        x = torch.where(x == MASKED, self.consensus, x)
        told = self.tokens(torch.cat([x, self.consensus[None]]))
        return (told[:-1] - told[-1:]).sum(1)


class Convolution(SequenceBackbone):
    """Two convolutions of stride 3, a codon and then three of them, and residual ones on the tokens of nine columns.

    Args:
        inputs: of sequences.
        width: features of a token.
        depth: residual convolutions over three tokens each.
    """

    def __init__(self, inputs: Inputs, *, width: int = 64, depth: int = 1) -> None:
        super().__init__(inputs, width, _STRIDE**2)
        self.stem = _Columns(self.consensus, self.length * self.patch)
        # padding lets a token see its own nine columns whole, and some on either side
        self.narrow = nn.Sequential(_Convolved(_COLUMN, width // 2, 7, _STRIDE, padding=2))
        self.wide = nn.Sequential(_Convolved(width // 2, width, 5, _STRIDE, padding=1), _Places(self.length, width))
        self.blocks = nn.ModuleList(_Residual(_Convolved(width, width, 3, padding=1)) for _ in range(depth))

    @property
    def layers(self) -> Sequence[nn.Module]:
        """The columns' numbers, the strided convolutions, the residual ones."""
        return [self.stem, self.narrow, self.wide, *self.blocks]

    def tokens(self, x: Tensor) -> Tensor:
        """Features of each token (n, length, width); it sees about three tokens on either side."""
        told = self.wide(self.narrow(self.stem(x)))
        for block in self.blocks:
            told = block(told)
        return cast("Tensor", told)


class Transformer(SequenceBackbone):
    """Layers of attention (Vaswani et al. 2017; layer norm first, Xiong et al. 2020) on tokens of several columns.

    Attention costs the square of the tokens: 1279 columns in tokens of nine are 143, and cost an eightieth of theirs.

    Args:
        inputs: of sequences.
        width: features of a token, a multiple of `heads`.
        depth: layers.
        heads: of attention.
        patch: columns of a token.

    Raises:
        DataError: a width that the heads cannot share.
    """

    def __init__(self, inputs: Inputs, *, width: int = 64, depth: int = 2, heads: int = 4, patch: int = 9) -> None:
        if width % heads:
            raise DataError(f"width must be a multiple of the {heads} heads; got {width}")
        super().__init__(inputs, width, patch)
        self.stem = nn.Sequential(
            _Columns(self.consensus, self.length * patch),
            nn.Unflatten(1, (self.length, patch)),
            nn.Flatten(2),
            nn.Linear(patch * _COLUMN, width),
            _Places(self.length, width),
        )
        self.blocks = nn.ModuleList(_Attending(width, heads, self.causal) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    @property
    def layers(self) -> Sequence[nn.Module]:
        """The tokens, the layers of attention, the last norm."""
        return [self.stem, *self.blocks, self.norm]

    def tokens(self, x: Tensor) -> Tensor:
        """Features of each token (n, length, width); it sees all tokens, or where causal none after it."""
        told = self.stem(x)
        for block in self.blocks:
            told = block(told)
        return cast("Tensor", self.norm(told))


class CausalTransformer(Transformer):
    """A transformer whose tokens attend to those before them and to themselves alone, as next-token needs it.

    It stays causal for a classifier (Radford et al. 2018), which sums over tokens: an edit counts from where it is on.
    """

    causal = True


class _Columns(nn.Module):
    """Numbers of each column, (n, columns and padding, 8), by its code and the consensus there."""

    consensus: Tensor

    def __init__(self, consensus: Tensor, padded: int) -> None:
        super().__init__()
        self.register_buffer("consensus", consensus, persistent=False)
        self.padding = padded - len(consensus)
        self.pairs = nn.Embedding(SYMBOLS * CODES, _COLUMN)

    def forward(self, x: Tensor) -> Tensor:
        told = self.pairs(self.consensus.int() * CODES + x.int())
        return F.pad(told, (0, 0, 0, self.padding))


class _Places(nn.Module):
    """Adds to each token what is learnt of its place."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(length, width) * 0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens + self.places


class _Convolved(nn.Module):
    """A convolution of (n, places, features), layer norm of each place, GELU."""

    def __init__(self, narrow: int, wide: int, size: int, stride: int = 1, *, padding: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(narrow, wide, size, stride, padding)
        self.norm = nn.LayerNorm(wide)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.norm(self.convolution(x.transpose(1, 2)).transpose(1, 2)))


class _Residual(nn.Module):
    """A module's answer added to what it was asked."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return x + cast("Tensor", self.module(x))


class _Attending(nn.Module):
    """Attention and a perceptron of four times the width, each on normed tokens and added to them."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.asks = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3 * width))
        self.told = nn.Linear(width, width)
        self.perceptron = _Residual(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        )

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        asked = self.asks(x).view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        told = F.scaled_dot_product_attention(asked[0], asked[1], asked[2], is_causal=self.causal)
        return cast("Tensor", self.perceptron(x + self.told(told.transpose(1, 2).reshape(n, length, width))))
