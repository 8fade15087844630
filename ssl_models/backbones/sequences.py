"""Backbones for aligned sequences: strided convolutions, and small transformers on tokens of several columns.

A patient is the cohort's consensus with a few edits, so nearly all columns are the same in all patients. What is shared
would dominate every feature, until none distinguishes patients. Therefore each column is encoded as a pair of its own
and the consensus code, tokens have position embeddings, and a patient's features are the effect of its edits: the sum
over tokens of the network's output for the patient minus that for the consensus. The consensus itself has features of
zero, and there is no batch norm or dropout that could separate the two.
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

N_CODES = MASKED + 1
_COLUMN = 8  # embedding dimension of a column
_STRIDE = 3  # of both strided convolutions


class SequenceBackbone(Backbone):
    """Maps a sequence to tokens of `patch` columns, and tokens to the features of a patient.

    Attributes:
        columns: number of alignment columns.
        patch: columns per token; the last token may cover fewer.
        length: tokens per sequence.
        causal: whether a token does not depend on columns after its own.
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
        """Features (n, width) of codes (n, columns); a masked position counts as unedited."""
        x = torch.where(x == MASKED, self.consensus, x)
        tokens = self.tokens(torch.cat([x, self.consensus[None]]))
        return (tokens[:-1] - tokens[-1:]).sum(1)


class Convolution(SequenceBackbone):
    """Two convolutions of stride 3 (one codon, then three), and residual convolutions on tokens of nine columns.

    Args:
        inputs: fitted on sequences.
        width: features per token.
        depth: number of residual convolutions, over three tokens each.
    """

    def __init__(self, inputs: Inputs, *, width: int = 64, depth: int = 1) -> None:
        super().__init__(inputs, width, _STRIDE**2)
        self.stem = _Columns(self.consensus, self.length * self.patch)
        # padding centres a token's receptive field on its own nine columns
        self.narrow = nn.Sequential(_Convolved(_COLUMN, width // 2, 7, _STRIDE, padding=2))
        self.wide = nn.Sequential(_Convolved(width // 2, width, 5, _STRIDE, padding=1), _Places(self.length, width))
        self.blocks = nn.ModuleList(_Residual(_Convolved(width, width, 3, padding=1)) for _ in range(depth))

    @property
    def layers(self) -> Sequence[nn.Module]:
        """The column embedding, the strided convolutions, the residual ones."""
        return [self.stem, self.narrow, self.wide, *self.blocks]

    def tokens(self, x: Tensor) -> Tensor:
        """Features of each token (n, length, width); receptive field of about three tokens on either side."""
        tokens = self.wide(self.narrow(self.stem(x)))
        for block in self.blocks:
            tokens = block(tokens)
        return cast("Tensor", tokens)


class Transformer(SequenceBackbone):
    """Transformer (Vaswani et al. 2017; pre-norm, Xiong et al. 2020) on tokens of several columns.

    Attention is quadratic in the number of tokens: 1279 columns in tokens of nine are 143, at an eightieth of the cost.

    Args:
        inputs: fitted on sequences.
        width: features per token, a multiple of `heads`.
        depth: number of layers.
        heads: number of attention heads.
        patch: columns per token.

    Raises:
        DataError: a width that is not a multiple of the heads.
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
        """The token embedding, the transformer layers, the final norm."""
        return [self.stem, *self.blocks, self.norm]

    def tokens(self, x: Tensor) -> Tensor:
        """Features of each token (n, length, width); each attends to all tokens, or if causal to none after it."""
        tokens = self.stem(x)
        for block in self.blocks:
            tokens = block(tokens)
        return cast("Tensor", self.norm(tokens))


class CausalTransformer(Transformer):
    """Transformer with causal attention, as the pretext next-token requires.

    It stays causal in a classifier (Radford et al. 2018), which sums over tokens: an edit affects only later tokens.
    """

    causal = True


class _Columns(nn.Module):
    """Embedding of each column, (n, padded columns, 8), by its code and the consensus code."""

    consensus: Tensor

    def __init__(self, consensus: Tensor, padded: int) -> None:
        super().__init__()
        self.register_buffer("consensus", consensus, persistent=False)
        self.padding = padded - len(consensus)
        self.pairs = nn.Embedding(SYMBOLS * N_CODES, _COLUMN)

    def forward(self, x: Tensor) -> Tensor:
        embedded = self.pairs(self.consensus.int() * N_CODES + x.int())
        return F.pad(embedded, (0, 0, 0, self.padding))


class _Places(nn.Module):
    """Adds a learned position embedding to each token."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(length, width) * 0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens + self.places


class _Convolved(nn.Module):
    """Convolution of (n, positions, features), layer norm per position, GELU."""

    def __init__(self, narrow: int, wide: int, size: int, stride: int = 1, *, padding: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(narrow, wide, size, stride, padding)
        self.norm = nn.LayerNorm(wide)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.norm(self.convolution(x.transpose(1, 2)).transpose(1, 2)))


class _Residual(nn.Module):
    """Adds a module's output to its input."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return x + cast("Tensor", self.module(x))


class _Attending(nn.Module):
    """Transformer layer: attention and an MLP of four times the width, both pre-norm and residual."""

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
        qkv = self.asks(x).view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_causal=self.causal)
        return cast("Tensor", self.perceptron(x + self.told(attended.transpose(1, 2).reshape(n, length, width))))
