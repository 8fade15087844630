"""`ImageClassifier`: a small convolution network that tells the classes of images, trained from scratch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from data import DataError
from ssl_models.class_probabilities import CrossEntropy
from ssl_models.pixels import channels_first
from training import Plan, Runtime, adam, fast_precision, isolated_rng, train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from training import Batch

_NET = "classifier"
_BATCH = 512
EMBEDDING = 64


@dataclass(frozen=True)
class ShiftedCrossEntropy(CrossEntropy):
    """Softmax cross-entropy of images moved by a few pixels, each on its own and anew in each step.

    A cell, an organ or a lesion that stands a little off keeps its class; one that is mirrored need not (a left and a
    right kidney), so images are not flipped.

    Attributes:
        shift: most pixels, up, down, left or right; what comes in at a border repeats it.
        weight_decay: decoupled decay (Loshchilov & Hutter 2019).
    """

    shift: int = 2
    weight_decay: float = 0.02

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One player."""
        return {_NET: adam(nets[_NET].parameters(), weight_decay=self.weight_decay)}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One move on the batch's images, uint8 (b, channels, height, width); the share recognised is logged."""
        logits = nets[_NET](shifted(batch.x, batch.randint(2 * self.shift + 1, 2) - self.shift))
        batch.log("accuracy_train", (logits.detach().argmax(1) == batch.y).float().mean())
        yield _NET, F.cross_entropy(logits.float(), batch.y)


def shifted(x: Tensor, by: Tensor) -> Tensor:
    """Images (n, channels, height, width) moved by `by` (n, 2) pixels, down and right; borders are repeated."""
    height, width = x.shape[2:]
    rows = (torch.arange(height, device=x.device) - by[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width, device=x.device) - by[:, 1:]).clamp(0, width - 1)
    images, channels = (torch.arange(size, device=x.device) for size in x.shape[:2])
    return x[images[:, None, None, None], channels[:, None, None], rows[:, None, :, None], columns[:, None, None, :]]


class ImageClassifier:
    """Classes of images by five 3 x 3 convolutions with batch norm (28, 14, 7 pixels), and 64 features on the way.

    The stem keeps the size, as suits small images; strides halve it. The rate falls to nought, so the last weights need
    no average, and batch norm's running figures are those of the last weights.

    Args:
        steps: of training, whatever the number of images: cohorts are compared after equal work.
        batch_size: images a step.
        learning_rate: at the top of the schedule: up for a fifth of the steps, then down as a cosine.

    Attributes:
        history: rows of `step`, `loss`, `accuracy_train`.

    Raises:
        TrainingError: a setting that cannot be.
    """

    def __init__(self, *, steps: int = 900, batch_size: int = 128, learning_rate: float = 3e-3) -> None:
        self._plan = Plan(
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=0.2,
            decay="cosine",
            ema_decay=0.0,
        )
        self.history: list[dict[str, float]] = []
        self._net: _Network | None = None
        self._device, self._precision = "cpu", "32-true"

    def fit(
        self,
        x: NDArray[np.uint8],
        y: NDArray[np.int64],
        classes: int,
        *,
        seed: int = 0,
        runtime: Runtime | None = None,
    ) -> Self:
        """Learn the classes of images.

        Args:
            x: images uint8 (n, height, width, channels).
            y: their classes (n,), 0 to classes - 1.
            classes: how many there are; one without an image may be among them.
            seed: of the first weights, the order of the images and their shifts.
            runtime: where; by default the best device here, in bfloat16 where its hardware has that.

        Raises:
            DataError: no images, or classes that do not go with them.
            TrainingError: the device is absent, or training diverged.
        """
        images = channels_first(x)
        if not len(x) or len(x) != len(y) or y.min() < 0 or y.max() >= classes:
            raise DataError(
                f"one class from 0 to {classes - 1} an image was expected, and at least one image; got {len(x)} images "
                f"and {len(y)} classes, or others"
            )
        runtime = runtime or Runtime()
        with isolated_rng(seed):
            net = _Network(images, classes)
        result = train(
            ShiftedCrossEntropy(),
            {_NET: net},
            images,
            torch.from_numpy(np.ascontiguousarray(y)),
            plan=self._plan,
            seed=seed,
            runtime=replace(runtime, precision=fast_precision(runtime)),
        )
        self._net, self.history = net, result.history
        self._device, self._precision = result.device, result.precision
        return self

    def predict_proba(self, x: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probability of each class, (n, classes), rows sum to one, for images as they were learned from.

        Raises:
            DataError: not fitted, or images of another kind.
        """
        return F.softmax(self._run(x, lambda net, batch: net(batch)).double(), dim=1).numpy()

    def embed(self, x: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features of images before the last layer, (n, 64).

        Raises:
            DataError: not fitted, or images of another kind.
        """
        return self._run(x, lambda net, batch: net.embed(batch)).numpy()

    @torch.no_grad()
    def _run(self, x: NDArray[np.uint8], ask: Callable[[_Network, Tensor], Tensor]) -> Tensor:
        if self._net is None:
            raise DataError("this classifier has not been fitted; call fit(x, y, classes) first")
        images = channels_first(x)
        if images.shape[1] != self._net.channels:
            raise DataError(f"images of {self._net.channels} channels were learned from; got {images.shape[1]}")
        net = self._net.to(self._device)
        mixed = self._precision == "bf16-mixed"
        with torch.autocast(self._device, torch.bfloat16, enabled=mixed):
            parts = [ask(net, part.to(self._device)).float().cpu() for part in torch.split(images, _BATCH)]
        net.cpu()
        return torch.cat(parts)


class _Network(nn.Module):
    """uint8 images (n, channels, height, width) to logits (n, classes); standardised as the images given are."""

    mean: Tensor
    spread: Tensor

    def __init__(self, images: Tensor, classes: int) -> None:
        super().__init__()
        self.channels = images.shape[1]
        values = images.transpose(0, 1).flatten(1)
        counts = torch.stack([torch.bincount(channel.int(), minlength=256) for channel in values]).double()
        shares, levels = counts / counts.sum(1, keepdim=True), torch.arange(256, dtype=torch.float64)
        mean = shares @ levels
        spread = (shares @ levels**2 - mean**2).clamp(min=1.0).sqrt()  # of one grey everywhere too
        self.register_buffer("mean", mean.float().view(1, -1, 1, 1))
        self.register_buffer("spread", spread.float().view(1, -1, 1, 1))
        self.body = nn.Sequential(
            *_block(self.channels, 32),
            *_block(32, 64, stride=2),
            *_block(64, 64),
            *_block(64, 128, stride=2),
            *_block(128, 128),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(128, EMBEDDING),
        )
        self.head = nn.Linear(EMBEDDING, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, images: Tensor) -> Tensor:
        """Features (n, 64), before they are rectified."""
        values = (images.float() - self.mean) / self.spread
        return cast("Tensor", self.body(values.contiguous(memory_format=torch.channels_last)))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes)."""
        return cast("Tensor", self.head(F.relu(self.embed(images))))


def _block(narrow: int, wide: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(narrow, wide, 3, stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
