"""Symmetries: flips and turns after which an image is as likely as before, found in train or stated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

Symmetry = Literal["none", "mirror", "square"]
_LEAST = 200  # images that are needed to detect whether turning shows
_SHOWS = 0.55  # AUC above which a classifier detects turned images
_CELL = 4  # pixels a side of a thumbnail's cell


@dataclass(frozen=True)
class Turned:
    """Random views of a batch: each image is flipped and turned at random before training sees it.

    Attributes:
        symmetry: `none`, `mirror` (left and right) or `square` (mirrors and quarter turns: eight views).
    """

    symmetry: Symmetry

    def __call__(self, x: Tensor, uniform: Tensor) -> Tensor:
        """Images (n, c, h, w), h = w, turned according to uniform numbers (n,) in [0, 1)."""
        if self.symmetry == "none":
            return x
        eighth = (uniform * 8).long()
        x = torch.where(_picked(eighth, 1), x.flip(3), x)
        if self.symmetry == "square":
            x = torch.where(_picked(eighth, 2), x.flip(2), x)
            x = torch.where(_picked(eighth, 4), x.transpose(2, 3), x)
        return x


def _picked(eighth: Tensor, bit: int) -> Tensor:
    return (eighth & bit).bool()[:, None, None, None]


def symmetry_of(x: NDArray[np.uint8], rng: np.random.Generator) -> Symmetry:
    """The largest symmetry under which logistic regression on thumbnails cannot distinguish turned images.

    Cells under a microscope have no orientation; a breast under ultrasound has the skin at the top. AUC is measured on
    images that the regression has not seen, in two halves; fewer than 200 images are too few and are not turned.

    Args:
        x: images (n, h, w, c), h = w.
        rng: of the turns and the halves.
    """
    if len(x) < _LEAST:
        return "none"
    rows = rng.permutation(len(x))[:4000]
    small = _thumbnails(x[rows])
    for symmetry in ("square", "mirror"):
        at_random = rng.random(len(small)) if symmetry == "square" else np.full(len(small), 1 / 8)
        eighths = np.where(at_random < 1 / 8, 1 / 8, at_random)  # every image is turned
        images = torch.from_numpy(small.transpose(0, 3, 1, 2).copy())
        turned = Turned(symmetry)(images, torch.from_numpy(eighths)).permute(0, 2, 3, 1).numpy()
        if _auc(small, turned, rng) <= _SHOWS:
            return symmetry
    return "none"


def _auc(plain: NDArray[np.float32], turned: NDArray[np.float32], rng: np.random.Generator) -> float:
    """AUC of a regression that separates turned from plain; no image is in both its training and its test set."""
    half = rng.permutation(len(plain)) % 2 == 0
    both = np.concatenate([plain, turned]).reshape(2 * len(plain), -1)
    both = (both - both.mean(0)) / (both.std(0) + 1e-6)
    y = np.repeat([0, 1], len(plain))
    found = []
    for side in (half, ~half):
        learn = np.tile(side, 2)
        model = LogisticRegression(C=0.1, max_iter=200).fit(both[learn], y[learn])
        found.append(roc_auc_score(y[~learn], model.decision_function(both[~learn])))
    return float(np.mean(found))


def _thumbnails(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    n, height, width, channels = x.shape
    cells = x.reshape(n, height // _CELL, _CELL, width // _CELL, _CELL, channels)
    small: NDArray[np.float32] = cells.mean((2, 4), dtype=np.float32)
    return small
