"""Run time of two views of 512 images: batched on tensors, compared with lightly's SimCLR transform on PIL images.

    python -m benchmarks.augmentation

Both make two views of every image with the same settings: crops, flips, colour, no blur; ours from a batch of uint8
tensors, lightly's from PIL images. Each uses one CPU thread. Prints milliseconds and their ratio as JSON, and with CUDA
also the milliseconds of ours on the GPU.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import torch
from PIL import Image

from cohortsmith.data import simulate
from cohortsmith.ssl_models.augmentations.image_views import VIEWS
from cohortsmith.ssl_models.backbones.torchvision_ops import allow_torchvision
from cohortsmith.training import isolated_rng

if TYPE_CHECKING:
    from collections.abc import Callable

_IMAGES = 512
_ROUNDS = 5


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    cohort = simulate("simulated-cells", _IMAGES, seed=0)
    images = torch.from_numpy(cohort.x).permute(0, 3, 1, 2).contiguous()
    pictures = [Image.fromarray(image) for image in cohort.x]
    allow_torchvision()
    from lightly.transforms.simclr_transform import SimCLRTransform

    peer = SimCLRTransform(input_size=images.shape[2], gaussian_blur=0.0)
    with isolated_rng(0):
        theirs = _best(lambda: [peer(picture) for picture in pictures])
    ours = _best(lambda: _two_views(images))
    results: dict[str, float] = {
        "lightly_milliseconds": 1e3 * theirs,
        "ours_milliseconds": 1e3 * ours,
        "ratio": theirs / ours,
    }
    if torch.cuda.is_available():
        there = images.cuda()
        results["cuda_milliseconds"] = 1e3 * _best(lambda: _two_views(there))
    print(json.dumps({name: round(value, 2) for name, value in results.items()}))


def _two_views(images: torch.Tensor) -> None:
    views = VIEWS["simclr"]
    for seed in range(2):
        generator = torch.Generator(images.device).manual_seed(seed)
        views(images, torch.rand((len(images), views.draws), generator=generator, device=images.device))
    if images.is_cuda:
        torch.cuda.synchronize()


def _best(work: Callable[[], object]) -> float:
    """Shortest time of a few rounds, after a warm-up round."""
    seconds = []
    for _ in range(_ROUNDS + 1):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


if __name__ == "__main__":
    main()
