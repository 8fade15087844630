"""Alignments and backbones for the tests of sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from cohortsmith.ssl_models.inputs.tensors import Inputs
from cohortsmith.ssl_models.kinds import KINDS
from cohortsmith.training import isolated_rng

if TYPE_CHECKING:
    from torch import Tensor

    from cohortsmith.ssl_models.backbones.sequences import SequenceBackbone

BACKBONES = tuple(KINDS["sequence"].backbones)


def inputs_of(x: Tensor) -> Inputs:
    """Inputs whose consensus is the most frequent code of each column of codes (n, columns)."""
    consensus = torch.stack([(x == code).sum(0) for code in range(5)]).argmax(0).to(torch.uint8)
    columns = x.shape[1]
    features = tuple(f"c.{i + 1}" for i in range(columns))
    return Inputs("sequence", features, (columns,), "counts", {"consensus": np.asarray(consensus)})


def network(name: str, x: Tensor, seed: int = 0, **settings: Any) -> SequenceBackbone:
    """A new backbone for codes (n, columns), in evaluation mode."""
    make: Any = KINDS["sequence"].backbones[name]
    with isolated_rng(seed):
        made: SequenceBackbone = make(inputs_of(x), **settings)
    return made.eval()


def alignment(n: int, columns: int, seed: int = 0, edits: float = 0.1) -> Tensor:
    """Codes (n, columns): a random consensus, and a share of other codes anywhere."""
    generator = torch.Generator().manual_seed(seed)
    consensus = torch.randint(5, (columns,), generator=generator)
    other = torch.randint(1, 5, (n, columns), generator=generator)
    edited = torch.rand(n, columns, generator=generator) < edits
    return torch.where(edited, (consensus + other) % 5, consensus).to(torch.uint8)
